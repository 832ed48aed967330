import type { LoadResult } from '../measuring/closed-loop.ts';
import { median } from '../measuring/quantile.ts';
import { goalLine, pairedRatios, tableOf } from '../measuring/results.ts';
import type { ContenderName } from './contenders.ts';

export type Spread = 'one hot account' | '100,000 accounts';

/** One load of one contender in one run: a line of the JSON file. */
export interface Measurement extends LoadResult {
  readonly run: number;
  readonly spread: Spread;
  readonly callers: number;
  readonly contender: ContenderName;
}

interface Row {
  readonly spread: Spread;
  readonly callers: number;
  readonly contender: ContenderName;
}

/** The medians as a Markdown table. */
export function resultTable(measurements: readonly Measurement[]): string {
  const rows = distinctRows(measurements).map((row) => {
    const figure = (field: keyof LoadResult) => median(ofRow(measurements, row).map((one) => one[field]));
    return [
      row.spread,
      row.callers,
      row.contender,
      Math.round(figure('per_second')).toLocaleString('en-US'),
      ratio(measurements, row, 'baseline_main', 'per_second').toFixed(2),
      ratio(measurements, row, 'baseline_worker', 'per_second').toFixed(2),
      figure('p50_ms').toFixed(3),
      figure('p99_ms').toFixed(2),
      figure('loop_p50_ms').toFixed(2),
      figure('loop_p99_ms').toFixed(2),
      figure('loop_max_ms').toFixed(1),
    ];
  });
  const head = ['accounts', 'callers', 'contender', 'increments/s', '× main', '× worker', 'p50 ms', 'p99 ms'];
  const columns = [...head, 'loop p50', 'loop p99', 'loop max'];
  return tableOf(columns, rows);
}

interface Goal {
  readonly name: string;
  readonly row: Row;
  readonly against: 'baseline_main' | 'baseline_worker';
  readonly field: 'per_second' | 'p50_ms' | 'loop_p99_ms';
  readonly at_least?: number;
  readonly at_most?: number;
}

const GOALS: readonly Goal[] = [
  goal('one hot account', 'unkeyed', 60),
  goal('one hot account', 'keyed', 25),
  goal('100,000 accounts', 'unkeyed', 8),
  goal('100,000 accounts', 'keyed', 8),
  ...(['baseline_main', 'baseline_worker'] as const).map((against) => ({
    name: `a lone call's p50 latency against ${against}`,
    row: { spread: 'one hot account', callers: 1, contender: 'unkeyed' } as const,
    against,
    field: 'p50_ms' as const,
    at_most: 1.3,
  })),
  ...(['one hot account', '100,000 accounts'] as const).map((spread) => ({
    name: `${spread}, 256 callers, unkeyed: event-loop delay p99 against baseline_main`,
    row: { spread, callers: 256, contender: 'unkeyed' } as const,
    against: 'baseline_main' as const,
    field: 'loop_p99_ms' as const,
    at_most: 0.25,
  })),
];

function goal(spread: Spread, contender: 'unkeyed' | 'keyed', at_least: number): Goal {
  const row = { spread, callers: 256, contender };
  return {
    name: `${spread}, 256 callers, ${contender}`,
    row,
    against: 'baseline_main',
    field: 'per_second',
    at_least,
  };
}

export function goalLines(measurements: readonly Measurement[]): string[] {
  return GOALS.map(({ row, against, field, ...goal }) =>
    goalLine({ ...goal, values: ratios(measurements, row, against, field), unit: '×' }),
  );
}

function ratio(
  all: readonly Measurement[],
  row: Row,
  against: ContenderName,
  field: keyof LoadResult,
): number {
  return median(ratios(all, row, against, field));
}

function ratios(
  all: readonly Measurement[],
  row: Row,
  against: ContenderName,
  field: keyof LoadResult,
): number[] {
  const baselines = ofRow(all, { ...row, contender: against });
  return pairedRatios(ofRow(all, row), baselines, (one) => one[field]);
}

function ofRow(all: readonly Measurement[], { spread, callers, contender }: Row): readonly Measurement[] {
  return all.filter((one) => one.spread === spread && one.callers === callers && one.contender === contender);
}

function distinctRows(measurements: readonly Measurement[]): Row[] {
  const [first] = measurements;
  return measurements.filter(({ run }) => run === first?.run);
}
