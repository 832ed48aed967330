import { describeLines } from '../core/money.ts';
import type {
  ExplainedDecision,
  ExplainedUsage,
  InvoiceExplanation,
  LedgerEntry,
  ReportExplanation,
} from '../query/explanation-result.ts';
import { type AppUsage, withUsage } from './app-usage.ts';
import { instantText, moneyText, quantityText, spanText } from './figures.ts';
import { causeLine } from './reconcile.ts';
import { print } from './standard-output.ts';
import { printable, tableLines, wrappedLines } from './text-table.ts';

export interface ExplainCommandOptions {
  /** Path of the module that exports `usage`. */
  readonly config: string;
  readonly meter?: string;
  readonly after?: string;
  /** Entries that are shown. */
  readonly limit?: number;
  readonly json?: boolean;
}

/** `tallybook explain`: a report, by its number, or an invoice, by its id, down to the ledger. */
export async function runExplain(
  account: string,
  subject: string,
  options: ExplainCommandOptions,
): Promise<void> {
  await withUsage(options.config, async (usage) => {
    const isInvoice = subject.startsWith('in_');
    const explanation = isInvoice
      ? await usage.explain({ account, invoice: subject, ...pagingOf(options) })
      : await usage.explain({ account, report: Number(subject), ...pagingOf(options) });
    if (options.json) return await print(`${JSON.stringify(explanation)}\n`);
    const lines = 'invoice' in explanation ? invoiceLines(explanation) : reportLines(explanation);
    await print(`${lines.join('\n')}\n`);
  });
}

type Paging = Pick<Parameters<AppUsage['explain']>[0] & ExplainCommandOptions, 'meter' | 'after' | 'limit'>;

function pagingOf({ meter, after, limit }: ExplainCommandOptions): Paging {
  return {
    ...(meter === undefined ? {} : { meter }),
    ...(after === undefined ? {} : { after }),
    ...(limit === undefined ? {} : { limit }),
  };
}

function reportLines(explained: ReportExplanation): string[] {
  const { account, meter, report, minute, decisions, entries, explanation } = explained;
  const { status, reason, attempts, generation } = report;
  const facts: [string, string | null][] = [
    ['quantity', quantityText(report.quantity)],
    ['status', reason === null ? status : `${status} (${reason})`],
    ['period', `${instantText(report.period_start)} .. ${instantText(report.period_end)}`],
    [
      'billing period',
      `${instantText(report.billing_period_start)} .. ${instantText(report.billing_period_end)}`,
    ],
    ['late', report.late ? 'yes' : null],
    ['Stripe customer', report.stripe_customer],
    ['identifier', report.identifier],
    ['stamped at', report.slot && instantText(report.slot)],
    ['attempts', attempts === 0 ? null : `${attempts}, generation ${generation}`],
    ['first attempt', report.first_attempt_at && instantText(report.first_attempt_at)],
    ['reported at', report.reported_at && instantText(report.reported_at)],
    ['due at', report.due_at && instantText(report.due_at)],
    ['last error', report.last_error],
    [
      "Stripe's minute",
      minute &&
        `${quantityText(minute.counted_by_stripe)} counted, ${quantityText(minute.reported)} reported`,
    ],
  ];
  return [
    `Report ${report.report_id} of ${account}, ${meter}`,
    ...factLines(facts),
    ...(decisions.length === 0 ? [] : ['', ...decisions.flatMap(decisionLines)]),
    '',
    ...(entries ? entryLines(entries.page) : []),
    ...(entries?.next ? ['', `There are more: --after ${entries.next}`] : []),
    '',
    ...wrappedLines(explanation, ''),
  ];
}

function decisionLines({ at, action, actor, reason, acknowledged }: ExplainedDecision): string[] {
  const vouched =
    acknowledged === 0 ? '' : ` (vouched for ${quantityText(acknowledged)} that Stripe counted)`;
  return wrappedLines(`${instantText(at)}  ${action} by ${actor}${vouched}: ${reason}`, '');
}

function factLines(facts: readonly [string, string | null][]): string[] {
  const known = facts.flatMap(([name, text]) => (text === null ? [] : [[`  ${name}`, text]]));
  return tableLines([{ title: '' }, { title: '' }], known).slice(1);
}

function entryLines(entries: readonly LedgerEntry[]): string[] {
  const columns = [
    { title: 'recorded at' },
    { title: 'occurred at' },
    { title: 'quantity', align: 'right' },
    { title: '' },
    { title: 'key and properties' },
  ] as const;
  const rows = entries.map((entry) => [
    instantText(entry.recorded_at),
    instantText(entry.occurred_at),
    quantityText(entry.quantity),
    entry.late ? 'late' : '',
    [entry.idempotency_key ?? '', originText(entry)].filter((text) => text !== '').join(' '),
  ]);
  return tableLines(columns, rows);
}

/** What was attached to an increment, or that it is none. */
function originText({ properties, adjustment, carried_forward }: LedgerEntry): string {
  if (adjustment) {
    const { actor, reason } = adjustment;
    return `adjusted${actor === null ? '' : ` by ${actor}`}: ${reason.replaceAll(/\s+/g, ' ')}`;
  }
  if (carried_forward) {
    return `carried from report ${carried_forward.from_report} to ${carried_forward.to_report}`;
  }
  return properties === null ? '' : JSON.stringify(properties);
}

function invoiceLines(invoice: InvoiceExplanation): string[] {
  const { account, currency, total, status, usage, other_lines, explanation } = invoice;
  const facts: [string, string | null][] = [
    ['status', status],
    ['number', invoice.number],
    ['made at', instantText(invoice.created_at)],
    ['final since', invoice.finalized_at && instantText(invoice.finalized_at)],
    ['total', moneyText(total, currency)],
  ];
  return [
    `Invoice ${invoice.invoice} of ${account}`,
    ...factLines(facts),
    ...usage.flatMap((each) => ['', ...usageLines(each, currency)]),
    ...(other_lines.length === 0 ? [] : ['', 'Other lines']),
    ...other_lines.map((line) => `  ${moneyText(line.amount, currency)}  ${printable(line.description)}`),
    '',
    ...wrappedLines(explanation, ''),
  ];
}

function usageLines(usage: ExplainedUsage, currency: string): string[] {
  const { meter, period_start, period_end, rating, reports, causes } = usage;
  const columns = [
    { title: '  report', align: 'right' },
    { title: 'status' },
    { title: 'quantity', align: 'right' },
    { title: 'period' },
  ] as const;
  const rows = reports.map((report) => [
    String(report.report_id),
    report.status,
    quantityText(report.quantity),
    spanText(report.period_start, report.period_end),
  ]);
  return [
    `${meter}, ${spanText(period_start, period_end)}: ${moneyText(usage.invoiced_amount, currency)}`,
    ...(rating ? describeLines(rating).map((line) => `  ${line}`) : []),
    ...tableLines(columns, rows),
    ...causes.map((cause) => causeLine(cause, currency)),
    ...wrappedLines(usage.explanation, '  '),
  ];
}
