import { useState } from 'react';
import {
  CostSoFar,
  InvoiceList,
  PlanPicker,
  UsageChart,
  UsageMeter,
  useCost,
  useQuery,
  useRefresh,
} from '../../../src/react/index.ts';
import { changePlan, type DevAccount, readInvoices } from './dev-api.ts';

const METERS = ['credits', 'tokens'] as const;

export interface UsagePageProps {
  readonly account: string;
  readonly accounts: readonly DevAccount[];
  readonly onAccount: (account: string) => void;
}

/** What the customer sees: components of `tallybook/react`, and a heading. */
export function UsagePage({ account, accounts, onAccount }: UsagePageProps) {
  const [meter, setMeter] = useState<(typeof METERS)[number]>('credits');
  const refresh = useRefresh();
  const cost = useCost({ meter });
  const invoices = useQuery(`invoices ${account}`, (signal) => readInvoices(account, signal));
  const known = accounts.some((each) => each.account === account) ? accounts : [{ account }, ...accounts];
  return (
    <section className="usage" aria-labelledby="usage">
      <header>
        <div>
          <p className="eyebrow">The customer’s page</p>
          <h2 id="usage">Usage and billing</h2>
        </div>
        <div className="choices">
          <label>
            <span>Account</span>
            <select value={account} onChange={(event) => onAccount(event.target.value)}>
              {known.map((each) => (
                <option key={each.account}>{each.account}</option>
              ))}
            </select>
          </label>
          <label>
            <span>Meter</span>
            <select
              value={meter}
              onChange={(event) => setMeter(METERS.find((each) => each === event.target.value) ?? 'credits')}
            >
              {METERS.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
        </div>
      </header>
      <div className="cards">
        <div className="column">
          <UsageMeter meter={meter} />
          <UsageChart meter={meter} />
        </div>
        <div className="column">
          <CostSoFar meter={meter} />
          <InvoiceList invoices={invoices} />
        </div>
        <PlanPicker
          key={account}
          className="wide"
          currentPlan={cost.data?.plan}
          onChange={async (plan, preview) => {
            const change = await changePlan(account, plan, preview);
            refresh();
            return change;
          }}
        />
      </div>
    </section>
  );
}
