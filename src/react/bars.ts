import type { RangeParams } from '../client/client.ts';
import type { UsageWindowsResult } from '../client/wire.ts';

type Windows = UsageWindowsResult['windows'];

/** Where a bar is drawn, in per cent of the plot. */
export interface Bar {
  readonly start: string;
  readonly x: string;
  readonly width: string;
  readonly y: string;
  readonly height: string;
  /** What belongs to it of the plot: the gaps beside it as well. */
  readonly hit_x: string;
  readonly hit_width: string;
}

const GAP = 0.24;
/** So that a little usage is not taken for none. */
const MIN_HEIGHT = 1.5;
const MOST_TICKS = 5;
/** The server answers 1,000 hours. */
const MOST_DAYS = 39;

/** @param is_mirrored time runs from right to left. */
export function placeBars(windows: Windows, is_mirrored: boolean) {
  const top = roundUp(Math.max(2, ...windows.map(({ quantity }) => quantity)));
  const step = 100 / Math.max(1, windows.length);
  const bars = windows.map(({ start, quantity }, index): Bar => {
    const left = step * (is_mirrored ? windows.length - 1 - index : index);
    // Corrections can make a window negative: it is in the table.
    const height = quantity > 0 ? Math.max(MIN_HEIGHT, (quantity / top) * 100) : 0;
    return {
      start,
      x: percent(left + (step * GAP) / 2),
      width: percent(step * (1 - GAP)),
      y: percent(100 - height),
      height: percent(height),
      hit_x: percent(left),
      hit_width: percent(step),
    };
  });
  return { bars, top, ticks: ticksOf(windows) };
}

/**
 * The days in which these hours are: those of a year are more than one answer has.
 *
 * @param days of the whole billing period.
 */
export function daysOfLastUsed(
  { windows, period_start, period_end }: UsageWindowsResult,
  hours: number,
): Required<RangeParams> {
  const count = Math.min(MOST_DAYS, Math.ceil(hours / 24));
  const last = windows.findLastIndex(({ quantity }) => quantity !== 0);
  const from = Math.max(0, last - count);
  // The first and the last day may begin before the billing period, or end after it.
  return {
    period_start: (from > 0 ? windows[from]?.start : undefined) ?? period_start,
    period_end: windows[Math.max(last, from + count) + 1]?.start ?? period_end,
  };
}

/** Hours that end with the last one in which something was used. */
export function lastUsed(usage: UsageWindowsResult, hours: number): UsageWindowsResult {
  const end = usage.windows.findLastIndex(({ quantity }) => quantity !== 0) + 1;
  const windows = usage.windows.slice(Math.max(0, end - hours), Math.max(end, hours));
  const [first, last] = [windows[0], windows.at(-1)];
  if (!first || !last) return usage;
  const quantity = windows.reduce((sum, window) => sum + window.quantity, 0);
  return { ...usage, windows, quantity, period_start: first.start, period_end: last.end };
}

/** A scale ends at 1, 2 or 5 times a power of ten, so that its middle is a round number too. */
function roundUp(quantity: number): number {
  const power = 10 ** Math.floor(Math.log10(quantity));
  const factor = [1, 2, 4, 6, 8, 10].find((each) => each * power >= quantity) ?? 10;
  return factor * power === 1 ? 2 : factor * power;
}

/** The first, the last, and some between them at equal distances. */
function ticksOf(windows: Windows): readonly string[] {
  const last = windows.length - 1;
  const count = Math.min(MOST_TICKS, windows.length);
  const indexes = Array.from({ length: count }, (_, tick) =>
    Math.round((tick * last) / Math.max(1, count - 1)),
  );
  return indexes.flatMap((index) => windows[index]?.start ?? []);
}

function percent(value: number): string {
  return `${Math.round(value * 1_000) / 1_000}%`;
}
