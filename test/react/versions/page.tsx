import { useEffect, version } from 'react';
import type {
  CostResult,
  InvoicesPage,
  PlansResult,
  UsageResult,
  UsageWindowsResult,
} from '../../../src/client/index.ts';
import {
  CostSoFar,
  InvoiceList,
  PlanPicker,
  UsageChart,
  UsageMeter,
  UsageProvider,
  useRefresh,
  useUsage,
} from '../../../src/react/index.ts';

/** What the server has read, and the browser is given with the page. */
export interface PageData {
  readonly token: string;
  readonly locale: string;
  readonly usage: UsageResult;
  readonly cost: CostResult;
  readonly windows: UsageWindowsResult;
  readonly plans: PlansResult;
  readonly invoices: InvoicesPage;
}

const POLL_MS = 250;

/** Every component, and a hook without one, as an app renders them on its server and then in the browser. */
export function Page({ data }: { readonly data: PageData }) {
  return (
    <UsageProvider
      baseUrl="/billing"
      token={data.token}
      pollMs={POLL_MS}
      locale={data.locale}
      timeZone="Asia/Tokyo"
    >
      <Headless initialData={data.usage} />
      <UsageMeter initialData={data.cost} />
      <CostSoFar initialData={data.cost} />
      <UsageChart initialData={data.windows} />
      <PlanPicker initialData={data.plans} currentPlan={data.cost.plan} canPreview />
      <InvoiceList initialData={data.invoices} />
    </UsageProvider>
  );
}

/** Says which React it runs on, and when it has come alive. */
function Headless({ initialData }: { readonly initialData: UsageResult }) {
  const { data } = useUsage({ meter: 'credits' }, { initialData });
  const refresh = useRefresh();
  useEffect(() => {
    document.documentElement.dataset['react'] = version;
  }, []);
  return (
    <button type="button" id="headless" onClick={refresh}>
      {data?.quantity}
    </button>
  );
}
