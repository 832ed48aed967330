import type {
  ReconciliationCause,
  ReconciliationLine,
  ReconciliationPage,
} from '../query/reconciliation-result.ts';
import { type AppUsage, withUsage } from './app-usage.ts';
import { oneLine } from './command-error.ts';
import { minutesText, moneyText, quantityText, spanText } from './figures.ts';
import { print } from './standard-output.ts';
import { type Column, tableLines, wrappedLines } from './text-table.ts';

export interface ReconcileCommandOptions {
  /** Path of the module that exports `usage`. */
  readonly config: string;
  readonly account?: string;
  readonly period?: ReconcilePeriod;
  readonly json?: boolean;
  /** Also lines without any difference. */
  readonly all?: boolean;
}

/** A month, or a range of dates. */
export type ReconcilePeriod = string | { readonly period_start: string; readonly period_end: string };

const DISCREPANCY = 1;
const ACCOUNTS_PER_PAGE = 200;

/** `tallybook reconcile`: ours against Stripe's. The exit code is 1 on a discrepancy. */
export async function runReconcile(options: ReconcileCommandOptions): Promise<void> {
  await withUsage(options.config, async (usage) => {
    const output = options.json ? jsonOutput() : tableOutput(options);
    const summary = { lines: 0, discrepancies: 0 };
    try {
      for await (const { lines, discrepancies } of pagesOf(usage, options)) {
        await output.lines(lines);
        summary.lines += lines.length;
        summary.discrepancies += discrepancies;
      }
    } catch (error) {
      await output.breakOff(error);
      throw error;
    }
    await output.end(summary);
    if (summary.discrepancies > 0) process.exitCode = DISCREPANCY;
  });
}

async function* pagesOf(
  usage: Pick<AppUsage, 'reconcile'>,
  { account, period }: ReconcileCommandOptions,
): AsyncGenerator<ReconciliationPage> {
  const limit = account === undefined ? { limit: ACCOUNTS_PER_PAGE } : {};
  let after: string | undefined;
  do {
    const page = await usage.reconcile({ account, period, after, ...limit });
    yield page;
    after = page.next ?? undefined;
  } while (after !== undefined);
}

interface Output {
  /** Of a page. */
  lines(lines: readonly ReconciliationLine[]): Promise<void>;
  end(summary: Summary): Promise<void>;
  /** Ends what was begun, where a page could not be read. The command prints the error. */
  breakOff(error: unknown): Promise<void>;
}

interface Summary {
  readonly lines: number;
  readonly discrepancies: number;
}

/**
 * One document, written as it comes: it is never held as a whole. Nothing is written before there is a line, and a document
 * that is broken off has an `error` in the place of its summary.
 */
function jsonOutput(): Output {
  const first = '{"lines":[\n';
  let separator = first;
  return {
    async lines(lines) {
      for (const line of lines) {
        await print(separator + JSON.stringify(line));
        separator = ',\n';
      }
    },
    end: (summary) => print(`${separator === first ? first : '\n'}],"summary":${JSON.stringify(summary)}}\n`),
    async breakOff(error) {
      if (separator !== first) await print(`\n],"error":${JSON.stringify(oneLine(error))}}\n`);
    },
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
    breakOff: async () => {},
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
