import type { PeriodView } from '../../../../src/cli/dev/account-pages.ts';
import { Instant, numberText, Span } from './written.tsx';

type Report = PeriodView['reports'][number];

const SHOWN = 40;

/** The latest reports of one meter in one billing period. */
export function ReportList({ period }: { readonly period: PeriodView }) {
  const { meter, is_current, period_end, reports } = period;
  return (
    <details>
      <summary>
        Reports of {meter}
        {is_current ? '' : `, ended ${period_end.slice(0, 10)}`} ({reports.length})
      </summary>
      <div className="scroll">
        <table>
          <tbody>
            {reports.slice(-SHOWN).map((report) => (
              <ReportRow key={report.report_id} report={report} />
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function ReportRow({ report }: { readonly report: Report }) {
  const { status, reason, late, reported_at } = report;
  const needsAPerson = status === 'failed' || status === 'held';
  return (
    <tr>
      <td>#{report.report_id}</td>
      <td>
        <Span start={report.period_start} end={report.period_end} />
      </td>
      <td className="number">{numberText(report.quantity)}</td>
      <td className={needsAPerson ? 'bad' : undefined}>
        {status}
        {reason === null ? '' : ` (${reason})`}
        {late ? ', late' : ''}
      </td>
      <td>
        {reported_at === null ? (
          report.last_error
        ) : (
          <>
            at <Instant at={reported_at} />
          </>
        )}
      </td>
    </tr>
  );
}
