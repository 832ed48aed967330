import type { ReportStatus } from '../core/usage-report.ts';
import type { ListedReport } from '../query/report-list.ts';
import { withUsage } from './app-usage.ts';
import { quantityText, spanText } from './figures.ts';
import { print } from './standard-output.ts';
import { tableLines, wrappedLines } from './text-table.ts';

export interface ReportsCommandOptions {
  /** Path of the module that exports `usage`. */
  readonly config: string;
  readonly account?: string;
  readonly status?: readonly ReportStatus[];
  readonly after?: string;
  readonly limit: number;
  readonly json?: boolean;
}

const COLUMNS = [
  { title: 'account' },
  { title: 'meter' },
  { title: 'report', align: 'right' },
  { title: 'status' },
  { title: 'quantity', align: 'right' },
  { title: 'billing period' },
] as const;

/** `tallybook reports`: what is not at Stripe yet, and what can be done. */
export async function runReports(options: ReportsCommandOptions): Promise<void> {
  await withUsage(options.config, async (usage) => {
    const { account, status, after, limit } = options;
    const page = await usage.reports.list({ account, status, after, limit });
    if (options.json) return await print(`${JSON.stringify(page)}\n`);
    if (page.reports.length === 0) return await print('No report waits.\n');
    const [titles = '', ...rows] = tableLines(COLUMNS, page.reports.map(cellsOf));
    const lines = rows.flatMap((row, index) => {
      const report = page.reports[index];
      return report ? [row, ...detailsOf(report)] : [row];
    });
    const more = page.next === null ? [] : ['', `There are more: --after '${page.next}'`];
    await print(`${[titles, ...lines, ...more].join('\n')}\n`);
  });
}

function cellsOf(report: ListedReport): string[] {
  const { status, reason } = report;
  return [
    report.account,
    report.meter,
    String(report.report_id),
    reason === null ? status : `${status} (${reason})`,
    quantityText(report.quantity),
    spanText(report.billing_period_start, report.billing_period_end),
  ];
}

function detailsOf({ action, last_error }: ListedReport): string[] {
  const error = last_error === null ? [] : wrappedLines(`Last error: ${last_error}`, '    ');
  return [...wrappedLines(action, '    '), ...error];
}
