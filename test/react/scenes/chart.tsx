import { UsageChart, UsageProvider } from '../../../src/react/index.ts';

export function Chart() {
  return (
    <UsageProvider baseUrl="/billing">
      <UsageChart />
    </UsageProvider>
  );
}
