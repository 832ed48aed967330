import type { AccountView, PeriodView } from '../../../../src/cli/dev/account-pages.ts';
import { countUsage } from './operator-api.ts';
import { ReportList } from './report-list.tsx';
import { useAction } from './use-action.ts';
import { numberText, Span } from './written.tsx';

const QUANTITIES = [1, 10, 1_000] as const;
const TEXT_COLUMNS = ['Meter', 'Billing period (UTC)'] as const;
const NUMBER_COLUMNS = ['Quantity', 'Reported', 'Pending', 'Cost'] as const;

/** An account with its billing periods, and buttons that count something for it. */
export function AccountCard({ account }: { readonly account: AccountView }) {
  const { act, refusal } = useAction();
  const { account: name, plan, stripe_customer, periods } = account;
  return (
    <article>
      <header>
        <h3>
          {name} <small>{plan === null ? 'no plan yet' : `plan ${plan}`}</small>{' '}
          {stripe_customer === null ? null : <small>· {stripe_customer}</small>}
        </h3>
        <div className="buttons">
          {QUANTITIES.map((quantity) => (
            <button
              key={quantity}
              type="button"
              aria-label={`Count ${numberText(quantity)} credits for ${name}`}
              onClick={() => act(() => countUsage({ account: name, meter: 'credits', quantity }))}
            >
              + {numberText(quantity)}
            </button>
          ))}
          <small>credits</small>
        </div>
      </header>
      <p role="alert" className="bad">
        {refusal}
      </p>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              {TEXT_COLUMNS.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
              {NUMBER_COLUMNS.map((column) => (
                <th key={column} scope="col" className="number">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {periods.map((period) => (
              <PeriodRows key={keyOf(period)} period={period} />
            ))}
          </tbody>
        </table>
      </div>
      {periods
        .filter(({ reports }) => reports.length > 0)
        .map((period) => (
          <ReportList key={keyOf(period)} period={period} />
        ))}
    </article>
  );
}

function keyOf({ meter, period_start }: PeriodView): string {
  return `${meter} ${period_start}`;
}

/** How the cost comes about is a row of its own: it may be longer than the column. */
function PeriodRows({ period }: { readonly period: PeriodView }) {
  const { is_current, period_start, period_end, cost_text, cost_state, cost_lines } = period;
  return (
    <>
      <tr className={is_current ? undefined : 'dim'}>
        <td data-name="Meter">
          <div>{period.meter}</div>
        </td>
        <td data-name="Billing period">
          <div>
            <Span start={period_start} end={period_end} />
            {is_current ? null : <small> ended</small>}
          </div>
        </td>
        <td data-name="Quantity" className="number">
          <div>{numberText(period.quantity)}</div>
        </td>
        <td data-name="Reported" className="number">
          <div>{numberText(period.reported_quantity)}</div>
        </td>
        <td data-name="Pending" className="number">
          <div>{numberText(period.pending_quantity)}</div>
        </td>
        <td data-name="Cost" className="number">
          <div>
            {cost_text} <small>{cost_state}</small>
          </div>
        </td>
      </tr>
      {cost_lines.length === 0 ? null : (
        <tr className="explained">
          <td className="number" colSpan={TEXT_COLUMNS.length + NUMBER_COLUMNS.length}>
            {cost_lines.map((line) => (
              <div key={line}>
                <small>{line}</small>
              </div>
            ))}
          </td>
        </tr>
      )}
    </>
  );
}
