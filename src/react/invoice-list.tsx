import { type ReactNode, useId, useState } from 'react';
import type { Invoice, InvoiceLine, InvoicesPage } from '../client/wire.ts';
import { type ComponentProps, Frame } from './frame.tsx';
import { useInvoices } from './hooks.ts';
import { wordsOfLine } from './line-words.ts';
import { useUsageContext } from './provider.tsx';

export interface InvoiceListProps extends ComponentProps {
  readonly account?: string | undefined;
  /** How many, 1 to 100. Default: 10. */
  readonly limit?: number | undefined;
  readonly initialData?: InvoicesPage | undefined;
}

/** Invoices, newest first, each with its lines: what was used, and what else was billed. */
export function InvoiceList({ account, limit, initialData, title, ...rest }: InvoiceListProps): ReactNode {
  const { texts } = useUsageContext();
  const result = useInvoices({ account, limit }, { initialData });
  return (
    <Frame name="invoices" {...rest} title={title ?? texts.invoices} result={result} lines={3}>
      {({ invoices }) =>
        invoices.length === 0 ? (
          <p className="tallybook-empty">{texts.noInvoices}</p>
        ) : (
          <ul className="tallybook-stack">
            {invoices.map((invoice, index) => (
              <li key={invoice.invoice}>
                <Details invoice={invoice} isFirst={index === 0} />
              </li>
            ))}
          </ul>
        )
      }
    </Frame>
  );
}

function Details({ invoice, isFirst }: { readonly invoice: Invoice; readonly isFirst: boolean }) {
  const { formats, texts } = useUsageContext();
  const summary = useId();
  // Only at first: a newer invoice does not close the one that is being read.
  const [isOpen] = useState(isFirst);
  const { number, status, currency, total, created_at, lines, hosted_invoice_url: url } = invoice;
  return (
    <details className="tallybook-invoice" open={isOpen}>
      <summary id={summary}>
        <span className="tallybook-invoice-name">
          <strong>{formats.date(created_at)}</strong>
          {number === null ? null : <bdi>{number}</bdi>}
        </span>
        <span className="tallybook-badge" data-status={status}>
          {texts.invoiceStatus[status] ?? status}
        </span>
        <strong className="tallybook-number">{formats.money(total, currency)}</strong>
      </summary>
      <ul className="tallybook-lines">
        {lines.map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines can be alike, and have no state.
          <Line key={index} line={line} currency={currency} />
        ))}
      </ul>
      {url?.startsWith('https:') ? (
        <a className="tallybook-link" href={url} rel="noreferrer" aria-describedby={summary}>
          {texts.openInvoice}
        </a>
      ) : null}
    </details>
  );
}

function Line({ line, currency }: { readonly line: InvoiceLine; readonly currency: string }) {
  const context = useUsageContext();
  const { formats } = context;
  return (
    <li>
      <span>
        <bdi>{wordsOfLine(line, currency, context)}</bdi>
        <small>{formats.period(line.period_start, line.period_end)}</small>
      </span>
      <span className="tallybook-number">{formats.money(line.amount, currency)}</span>
    </li>
  );
}
