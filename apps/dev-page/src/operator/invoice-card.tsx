import type { InvoiceView } from '../../../../src/cli/dev/invoices.ts';
import { Instant, Span } from './written.tsx';

/** An invoice of the simulated Stripe, with its lines. */
export function InvoiceCard({ invoice }: { readonly invoice: InvoiceView }) {
  const { account, total, status, number, id, created, lines } = invoice;
  return (
    <article>
      <header>
        <h3>
          {account ?? 'no account'} · {total}{' '}
          <small>
            {status} · {number ?? id}
          </small>
        </h3>
        <small>
          <Instant at={created} />
        </small>
      </header>
      <div className="scroll">
        <table>
          <tbody>
            {lines.map((line, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: lines can be alike, and have no state.
              <tr key={index}>
                <td>{line.description}</td>
                <td>
                  <small>
                    <Span start={line.period_start} end={line.period_end} />
                  </small>
                </td>
                <td className="number">{line.amount_text}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </article>
  );
}
