import type { LoadResult } from '../measuring/closed-loop.ts';
import { median } from '../measuring/quantile.ts';
import { goalLine, pairedRatios, tableOf } from '../measuring/results.ts';
import type { CeilingResult } from './ceilings.ts';
import type { ContenderName } from './contenders.ts';

export type Spread = 'one hot account' | '100,000 accounts';

/** One load of one contender in one run, or what the server alone did: a line of the JSON file. */
export type Measurement = Row & { readonly run: number } & CeilingResult & Partial<LoadResult>;

interface Row {
  readonly spread: Spread;
  /** null = none, the server is by itself. */
  readonly callers: number | null;
  readonly contender: ContenderName | 'in_server' | 'copy';
}

const COLUMNS = ['accounts', 'callers', 'contender', 'increments/s', '× baseline', 'p50 ms', 'p99 ms'];
const LOOP_COLUMNS = ['loop p50', 'loop p99', 'loop max', 'loop busy'];

/** The medians as a Markdown table. */
export function resultTable(all: readonly Measurement[]): string {
  const rows = all
    .filter(({ run, callers }) => run === all[0]?.run && callers !== null)
    .map((row) => {
      const figure = (field: keyof LoadResult) => median(ofRow(all, row).map((one) => one[field] ?? 0));
      return [
        row.spread,
        row.callers ?? '',
        row.contender,
        Math.round(figure('per_second')).toLocaleString('en-US'),
        median(ratios(all, row, { ...row, contender: 'baseline' })).toFixed(2),
        figure('p50_ms').toFixed(3),
        figure('p99_ms').toFixed(2),
        figure('loop_p50_ms').toFixed(2),
        figure('loop_p99_ms').toFixed(2),
        figure('loop_max_ms').toFixed(1),
        `${Math.round(figure('loop_busy') * 100)} %`,
      ];
    });
  return tableOf([...COLUMNS, ...LOOP_COLUMNS], rows);
}

/** What the server alone did, and what ours is of that. */
export function ceilingTable(all: readonly Measurement[]): string {
  const rows = all
    .filter(({ run, callers }) => run === all[0]?.run && callers === null)
    .map((row) => [
      row.spread,
      row.contender,
      Math.round(median(ofRow(all, row).map(({ per_second }) => per_second))).toLocaleString('en-US'),
      median(ratios(all, keyed(row.spread, 4_096), row)).toFixed(2),
    ]);
  return tableOf(['accounts', 'in the server', 'rows/s', 'keyed with 4,096 callers ×'], rows);
}

export function goalLines(all: readonly Measurement[]): string[] {
  const against = (row: Row, at_least: number) => ({
    name: `${row.spread}, ${row.callers} callers, ${row.contender}`,
    values: ratios(all, row, { ...row, contender: 'baseline' }),
    unit: '×' as const,
    at_least,
  });
  const share = (spread: Spread, at_least: number) => ({
    name: `${spread}, 4096 callers, keyed against in_server`,
    values: ratios(all, keyed(spread, 4_096), { spread, callers: null, contender: 'in_server' }),
    unit: '×' as const,
    at_least,
  });
  const lone = { spread: 'one hot account', callers: 1, contender: 'unkeyed' } as const;
  return [
    against(unkeyed('one hot account', 256), 100),
    against(keyed('one hot account', 256), 32),
    against(unkeyed('one hot account', 4_096), 200),
    against(keyed('one hot account', 4_096), 38),
    against(unkeyed('100,000 accounts', 256), 6.5),
    against(keyed('100,000 accounts', 256), 5),
    against(unkeyed('100,000 accounts', 4_096), 12),
    against(keyed('100,000 accounts', 4_096), 9.5),
    share('one hot account', 0.7),
    share('100,000 accounts', 0.8),
    {
      name: "a lone call's p50 latency",
      values: ratios(all, lone, { ...lone, contender: 'baseline' }, ({ p50_ms }) => p50_ms ?? Number.NaN),
      unit: '×' as const,
      at_most: 1.1,
    },
  ].map(goalLine);
}

function unkeyed(spread: Spread, callers: number): Row {
  return { spread, callers, contender: 'unkeyed' };
}

function keyed(spread: Spread, callers: number): Row {
  return { spread, callers, contender: 'keyed' };
}

function ratios(
  all: readonly Measurement[],
  ours: Row,
  theirs: Row,
  figure = ({ per_second }: Measurement) => per_second,
): number[] {
  return pairedRatios(ofRow(all, ours), ofRow(all, theirs), figure);
}

function ofRow(all: readonly Measurement[], { spread, callers, contender }: Row): readonly Measurement[] {
  return all.filter((one) => one.spread === spread && one.callers === callers && one.contender === contender);
}
