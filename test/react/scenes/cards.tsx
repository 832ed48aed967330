import { InvoiceList, PlanPicker, UsageMeter, UsageProvider } from '../../../src/react/index.ts';

export function Cards() {
  return (
    <UsageProvider baseUrl="/billing">
      <UsageMeter />
      <InvoiceList />
      <PlanPicker canPreview />
    </UsageProvider>
  );
}
