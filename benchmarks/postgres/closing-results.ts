import { median } from '../measuring/quantile.ts';
import { goalLine, pairedRatios, tableOf } from '../measuring/results.ts';

const PHASES = ['closing', 'period end', 'increments', 'increments while closing'] as const;

/** What one phase of one run measured: a line of the JSON file. */
export interface Measurement {
  readonly run: number;
  readonly phase: (typeof PHASES)[number];
  readonly closed?: number;
  readonly reports_per_second?: number;
  readonly grown_mb?: number;
  readonly grown_later_mb?: number;
  readonly calls?: number;
  readonly p50_ms?: number;
  readonly p99_ms?: number;
}

type Figure = Exclude<keyof Measurement, 'run' | 'phase'>;

/** The medians as a Markdown table. */
export function resultTable(all: readonly Measurement[]): string {
  const columns = ['phase', 'reports/s', 'memory + MB', 'increments', 'p50 ms', 'p99 ms'];
  const rows = PHASES.map((phase) => {
    const cell = (figure: Figure, digits: number) => {
      const values = valuesOf(all, phase, figure);
      if (values.length === 0) return '';
      return median(values).toLocaleString('en-US', { maximumFractionDigits: digits });
    };
    return [
      phase,
      cell('reports_per_second', 0),
      cell('grown_mb', 0),
      cell('calls', 0),
      cell('p50_ms', 2),
      cell('p99_ms', 2),
    ];
  });
  return tableOf(columns, rows);
}

export function goalLines(all: readonly Measurement[]): string[] {
  const ofPhase = (phase: Measurement['phase']) => all.filter((one) => one.phase === phase);
  const p99 = ({ p99_ms }: Measurement) => p99_ms ?? Number.NaN;
  return [
    goalLine({
      name: 'reports closed within their billing period',
      values: valuesOf(all, 'closing', 'reports_per_second'),
      unit: '/s',
      at_least: 30_000,
    }),
    goalLine({
      name: 'reports closed at the end of their billing period',
      values: valuesOf(all, 'period end', 'reports_per_second'),
      unit: '/s',
      at_least: 30_000,
    }),
    goalLine({
      name: 'growth of the process in the second half of closing',
      values: valuesOf(all, 'closing', 'grown_later_mb'),
      unit: 'MB',
      at_most: 32,
    }),
    goalLine({
      name: 'p99 of increments while reports are closed against without',
      values: pairedRatios(ofPhase('increments while closing'), ofPhase('increments'), p99),
      unit: '×',
      at_most: 3,
    }),
  ];
}

function valuesOf(all: readonly Measurement[], phase: Measurement['phase'], figure: Figure): number[] {
  return all.flatMap((one) => (one.phase === phase ? (one[figure] ?? []) : []));
}
