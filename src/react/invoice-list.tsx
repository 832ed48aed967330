import type { ReactNode } from 'react';
import { type ComponentProps, Frame } from './frame.tsx';
import type { QueryResult } from './hooks.ts';
import { useUsageContext } from './provider.tsx';

/** An invoice, as it is shown to whom it bills. Amounts are minor units; instants ISO 8601. */
export interface ShownInvoice {
  /** Unique in the list. */
  readonly invoice: string;
  /** What it is called; null = a draft has no number yet. */
  readonly number: string | null;
  readonly status: string | null;
  readonly currency: string;
  /** After discounts and taxes. */
  readonly total: number;
  readonly created_at: string;
  readonly lines: readonly ShownInvoiceLine[];
  /** Where it can be looked at or paid: `https:` only. */
  readonly url?: string | null | undefined;
}

export interface ShownInvoiceLine {
  readonly description: string;
  readonly amount: number;
  readonly period_start: string;
  /** Exclusive. */
  readonly period_end: string;
}

export interface InvoiceListProps extends ComponentProps {
  /** What is shown: `useQuery('invoices', …)` reads it from your server. */
  readonly invoices: QueryResult<readonly ShownInvoice[]>;
}

/** Invoices, newest first, each with its lines. */
export function InvoiceList({ invoices, title, ...rest }: InvoiceListProps): ReactNode {
  const { texts } = useUsageContext();
  return (
    <Frame name="invoices" {...rest} title={title ?? texts.invoices} result={invoices} lines={3}>
      {(list) =>
        list.length === 0 ? (
          <p className="tallybook-empty">{texts.noInvoices}</p>
        ) : (
          <ul className="tallybook-stack">
            {list.map((invoice, index) => (
              <li key={invoice.invoice}>
                <Invoice invoice={invoice} isOpen={index === 0} />
              </li>
            ))}
          </ul>
        )
      }
    </Frame>
  );
}

function Invoice({ invoice, isOpen }: { readonly invoice: ShownInvoice; readonly isOpen: boolean }) {
  const { formats, texts } = useUsageContext();
  const { number, status, currency, total, created_at, lines, url } = invoice;
  return (
    <details className="tallybook-invoice" open={isOpen}>
      <summary>
        <span className="tallybook-invoice-name">
          <strong>{formats.date(created_at)}</strong>
          {number === null ? null : <bdi>{number}</bdi>}
        </span>
        {status === null ? null : (
          <span className="tallybook-badge" data-status={status}>
            {Object.hasOwn(texts.invoiceStatus, status) ? texts.invoiceStatus[status] : status}
          </span>
        )}
        <strong className="tallybook-number">{formats.money(total, currency)}</strong>
      </summary>
      <ul className="tallybook-lines">
        {lines.map((line) => (
          <li key={JSON.stringify(line)}>
            <span>
              <bdi>{line.description}</bdi>
              <small>{formats.period(line.period_start, line.period_end)}</small>
            </span>
            <span className="tallybook-number">{formats.money(line.amount, currency)}</span>
          </li>
        ))}
      </ul>
      {url?.startsWith('https:') ? (
        <a className="tallybook-link" href={url} rel="noreferrer">
          {texts.openInvoice}
        </a>
      ) : null}
    </details>
  );
}
