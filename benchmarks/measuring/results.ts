import { appendFileSync, writeFileSync } from 'node:fs';
import { median } from './quantile.ts';

/** Ratios are taken within a run, since runs differ by what else the machine does; then comes their median. */
export function pairedRatios<Measurement extends { readonly run: number }>(
  ours: readonly Measurement[],
  theirs: readonly Measurement[],
  figure: (measurement: Measurement) => number,
): number[] {
  return ours.flatMap((one) => {
    const other = theirs.find(({ run }) => run === one.run);
    return other ? [figure(one) / figure(other)] : [];
  });
}

export interface Goal {
  readonly name: string;
  /** One per run. */
  readonly values: readonly number[];
  /** Of the values. */
  readonly unit: '×' | '/s' | 'MB' | 'statements';
  readonly at_least?: number;
  readonly at_most?: number;
}

/** Whether the median meets the goal, with the range over the runs. */
export function goalLine({ name, values, unit, at_least, at_most }: Goal): string {
  if (values.length === 0) return `not measured: ${name}`;
  const value = median(values);
  const isMet =
    value >= (at_least ?? Number.NEGATIVE_INFINITY) && value <= (at_most ?? Number.POSITIVE_INFINITY);
  const bound = at_least === undefined ? `≤ ${figure(at_most ?? 0)}` : `≥ ${figure(at_least)}`;
  const range = `${precise(Math.min(...values))} to ${precise(Math.max(...values))}`;
  return `${isMet ? 'met ' : 'MISSED'} ${name}: ${precise(value)} ${unit} (goal ${bound}; runs ${range})`;
}

function figure(value: number): string {
  return value.toLocaleString('en-US');
}

function precise(value: number): string {
  return value >= 1_000 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2);
}

/** In Markdown. */
export function tableOf(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Keeps measurements, and writes each as a line of JSON as soon as it is made. */
export class Measurements<Measurement extends object> {
  readonly all: Measurement[] = [];
  readonly #path: string | undefined;

  /** @param path - undefined = no file. */
  constructor(path: string | undefined) {
    this.#path = path;
    if (path !== undefined) writeFileSync(path, '');
  }

  /** @param news - for who watches. */
  keep(measurement: Measurement, news: string): void {
    this.all.push(measurement);
    if (this.#path !== undefined) appendFileSync(this.#path, `${JSON.stringify(measurement)}\n`);
    process.stderr.write(`${news}\n`);
  }
}
