import { monitorEventLoopDelay } from 'node:perf_hooks';
import { picker } from './picker.ts';
import { quantile } from './quantile.ts';

export interface ClosedLoopParams {
  /** What is measured. */
  readonly call: (account: string) => Promise<unknown>;
  readonly accounts: readonly string[];
  /** Each awaits its call before it makes the next. */
  readonly callers: number;
  readonly duration_ms: number;
}

/** What a load measured. */
export interface LoadResult {
  readonly calls: number;
  readonly per_second: number;
  /** Of one call, from the call until it resolves. */
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** How late a timer of 1 ms fires: what a request would wait for this thread. */
  readonly loop_p50_ms: number;
  readonly loop_p99_ms: number;
  readonly loop_max_ms: number;
  /** The share of the time in which this thread was busy. */
  readonly loop_busy: number;
}

const SAMPLE_EVERY_MS = 1;
const NS_PER_MS = 1e6;

/** A closed loop of callers for a while. */
export async function runClosedLoop({
  call,
  accounts,
  callers,
  duration_ms,
}: ClosedLoopParams): Promise<LoadResult> {
  const latencies: number[] = [];
  const loop = monitorEventLoopDelay({ resolution: SAMPLE_EVERY_MS });
  const picks = picker(accounts);
  loop.enable();
  const utilization = performance.eventLoopUtilization();
  const started_at = performance.now();
  const end_at = started_at + duration_ms;
  async function callAgainAndAgain(): Promise<void> {
    for (let called_at = performance.now(); called_at < end_at; ) {
      await call(picks());
      const answered_at = performance.now();
      latencies.push(answered_at - called_at);
      called_at = answered_at;
    }
  }
  await Promise.all(Array.from({ length: callers }, callAgainAndAgain));
  const elapsed_ms = performance.now() - started_at;
  loop.disable();
  const sorted = Float64Array.from(latencies).sort();
  const delay = (percentile: number) =>
    Math.max(0, loop.percentile(percentile) / NS_PER_MS - SAMPLE_EVERY_MS);
  return {
    calls: sorted.length,
    per_second: (sorted.length / elapsed_ms) * 1_000,
    p50_ms: quantile(sorted, 0.5),
    p99_ms: quantile(sorted, 0.99),
    loop_p50_ms: delay(50),
    loop_p99_ms: delay(99),
    loop_max_ms: Math.max(0, loop.max / NS_PER_MS - SAMPLE_EVERY_MS),
    loop_busy: performance.eventLoopUtilization(utilization).utilization,
  };
}
