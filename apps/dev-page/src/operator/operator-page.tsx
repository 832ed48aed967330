import { useState } from 'react';
import { useQuery } from '../../../../src/react/index.ts';
import { Brand } from '../brand.tsx';
import { Clock } from '../clock.tsx';
import { AccountCard } from './account-card.tsx';
import { FileImport } from './file-import.tsx';
import { InvoiceCard } from './invoice-card.tsx';
import { MeterUsage } from './meter-usage.tsx';
import { readInvoices, readOperatorState } from './operator-api.ts';

/** What the billing does behind the customer's page: accounts and their reports, imports, and the simulated Stripe's invoices. */
export function OperatorPage() {
  const [after, setAfter] = useState<string | null>(null);
  const state = useQuery(`state after ${after}`, (signal) => readOperatorState(after, signal));
  const invoices = useQuery('all invoices', readInvoices);
  const next = state.data?.next ?? null;
  return (
    <>
      <header className="top">
        <Brand>dev, behind the scenes</Brand>
        <Clock state={state} />
        <a href="/">The customer’s page</a>
      </header>
      <main className="operator">
        <section aria-labelledby="accounts">
          <h2 id="accounts">Accounts</h2>
          {state.data ? null : <p>Loading …</p>}
          {state.data?.accounts.map((account) => (
            <AccountCard key={account.account} account={account} />
          ))}
          <div className="buttons">
            {after === null ? null : (
              <button type="button" onClick={() => setAfter(null)}>
                First accounts
              </button>
            )}
            {next === null ? null : (
              <button type="button" onClick={() => setAfter(next)}>
                More accounts
              </button>
            )}
          </div>
        </section>
        <section aria-labelledby="meter-usage">
          <h2 id="meter-usage">Meter usage</h2>
          <MeterUsage />
        </section>
        <section aria-labelledby="import">
          <h2 id="import">Import a file</h2>
          <FileImport imports={state.data?.imports ?? []} />
        </section>
        <section aria-labelledby="invoices">
          <h2 id="invoices">Invoices</h2>
          <p>
            As the simulated Stripe at <code>{state.data?.stripe_url}</code> shows them.
          </p>
          {invoices.data ? null : <p>Loading …</p>}
          {invoices.data?.length === 0 ? <p>None yet.</p> : null}
          {invoices.data?.map((invoice) => (
            <InvoiceCard key={invoice.id} invoice={invoice} />
          ))}
        </section>
      </main>
    </>
  );
}
