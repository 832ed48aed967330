import type { ReconciliationCause, ReconciliationLine } from '../query/reconciliation-result.ts';
import { withUsage } from './app-usage.ts';
import { minutesText, moneyText, quantityText, spanText } from './figures.ts';
import { print } from './standard-output.ts';
import { type Column, tableLines, wrappedLines } from './text-table.ts';

export interface ReconcileCommandOptions {
  /** Path of the module that exports `usage`. */
  readonly config: string;
  readonly account?: string;
  /** `2026-10` or `START..END`. */
  readonly period?: string;
  readonly json?: boolean;
  /** Also lines without any difference. */
  readonly all?: boolean;
}

const DISCREPANCY = 1;
const ACCOUNTS_PER_PAGE = 200;

/** `tallybook reconcile`: ours against Stripe's. The exit code is 1 on a discrepancy. */
export async function runReconcile(options: ReconcileCommandOptions): Promise<void> {
  await withUsage(options.config, async (usage) => {
    const output = options.json ? jsonOutput() : tableOutput(options);
    const period = periodOf(options.period);
    const summary = { lines: 0, discrepancies: 0 };
    await output.begin();
    let after: string | undefined;
    do {
      const page = await usage.reconcile({
        account: options.account,
        period,
        after,
        ...(options.account === undefined ? { limit: ACCOUNTS_PER_PAGE } : {}),
      });
      await output.lines(page.lines);
      summary.lines += page.lines.length;
      summary.discrepancies += page.discrepancies;
      after = page.next ?? undefined;
    } while (after !== undefined);
    await output.end(summary);
    if (summary.discrepancies > 0) process.exitCode = DISCREPANCY;
  });
}

/** The library refuses what is no period. */
function periodOf(text: string | undefined) {
  const [period_start, period_end, ...rest] = text?.split('..') ?? [];
  if (period_start === undefined || period_end === undefined || rest.length > 0) return text;
  return { period_start, period_end };
}

interface Output {
  begin(): Promise<void>;
  lines(lines: readonly ReconciliationLine[]): Promise<void>;
  end(summary: Summary): Promise<void>;
}

interface Summary {
  readonly lines: number;
  readonly discrepancies: number;
}

/** One document, written as it comes: it is never held as a whole. */
function jsonOutput(): Output {
  let separator = '\n';
  return {
    begin: () => print('{"lines":['),
    async lines(lines) {
      for (const line of lines) {
        await print(separator + JSON.stringify(line));
        separator = ',\n';
      }
    },
    end: (summary) => print(`\n],"summary":${JSON.stringify(summary)}}\n`),
  };
}

const COLUMNS: readonly Column[] = [
  { title: 'account' },
  { title: 'meter' },
  { title: 'period' },
  { title: 'here', align: 'right' },
  { title: 'reported', align: 'right' },
  { title: 'Stripe', align: 'right' },
  { title: 'invoiced', align: 'right' },
  { title: 'difference', align: 'right' },
];

function tableOutput({ account, all }: ReconcileCommandOptions): Output {
  return {
    begin: async () => {},
    async lines(lines) {
      const shown = lines.filter(({ causes }) => all || account !== undefined || causes.length > 0);
      const [titles, ...rows] = tableLines(COLUMNS, shown.map(cellsOf));
      if (titles === undefined || rows.length === 0) return;
      const text = rows.flatMap((row, index) => {
        const line = shown[index];
        return [row, ...(line?.causes.flatMap((cause) => causeLines(cause, line.currency)) ?? [])];
      });
      await print(`${[titles, ...text].join('\n')}\n\n`);
    },
    end: ({ lines, discrepancies }) =>
      print(`${quantityText(lines)} compared, ${quantityText(discrepancies)} with a discrepancy.\n`),
  };
}

function cellsOf(line: ReconciliationLine): string[] {
  return [
    line.account,
    line.meter,
    spanText(line.period_start, line.period_end),
    quantityText(line.counted_here),
    quantityText(line.reported),
    quantityText(line.counted_by_stripe),
    quantityText(line.invoiced),
    quantityText(line.difference),
  ];
}

function causeLines(cause: ReconciliationCause, currency: string | null): string[] {
  const { spans, explanation, command } = cause;
  return [
    causeLine(cause, currency),
    ...spanLines(spans),
    ...wrappedLines(explanation, '    '),
    ...(command === null ? [] : [`    ${command}`]),
  ];
}

/** `!` marks what somebody has to look at. */
export function causeLine(
  { cause, reason, quantity, amount, discrepancy, reports }: ReconciliationCause,
  currency: string | null,
): string {
  const name = reason === null ? cause : `${cause} (${reason})`;
  const money = moneyText(amount, currency);
  const figures = [quantity === null ? null : quantityText(quantity), money].filter((text) => text !== null);
  const which = reports.length === 0 ? '' : ` in ${reportsText(reports)}`;
  return `  ${discrepancy ? '!' : '·'} ${name}${figures.length === 0 ? '' : `: ${figures.join(', ')}`}${which}`;
}

const SHOWN_SPANS = 3;

/** Where to look. */
function spanLines(spans: ReconciliationCause['spans']): string[] {
  const shown = spans.slice(0, SHOWN_SPANS).map(minutesText);
  const more = spans.length > SHOWN_SPANS ? [`and ${spans.length - SHOWN_SPANS} more`] : [];
  return shown.length === 0 ? [] : wrappedLines(`In ${[...shown, ...more].join(', ')}.`, '    ');
}

const SHOWN_REPORTS = 8;

function reportsText(reports: readonly number[]): string {
  const shown = reports.slice(0, SHOWN_REPORTS).join(', ');
  const more = reports.length > SHOWN_REPORTS ? ` and ${reports.length - SHOWN_REPORTS} more` : '';
  return `report${reports.length === 1 ? '' : 's'} ${shown}${more}`;
}
