import { setTimeout as sleep } from 'node:timers/promises';
import { picker } from './picker.ts';

export interface OpenLoopParams {
  readonly call: (account: string) => Promise<unknown>;
  readonly accounts: readonly string[];
  readonly per_second: number;
  /** Ends the load; calls under way are waited for. */
  readonly until: Promise<unknown>;
}

const TICK_MS = 1;

/**
 * Calls at a steady rate, whether or not earlier ones have been answered, as an app's requests come.
 *
 * @returns the latency of each call in milliseconds, from when it was due: a call that this thread was too busy to make
 * has waited too.
 */
export async function runOpenLoop({
  call,
  accounts,
  per_second,
  until,
}: OpenLoopParams): Promise<Float64Array> {
  const latencies: number[] = [];
  const underWay: Promise<void>[] = [];
  const picks = picker(accounts);
  let hasEnded = false;
  const ended = until.finally(() => {
    hasEnded = true;
  });
  async function callOnce(due_at: number): Promise<void> {
    await call(picks());
    latencies.push(performance.now() - due_at);
  }
  const started_at = performance.now();
  for (let made = 0; !hasEnded; await sleep(TICK_MS)) {
    const due = Math.floor(((performance.now() - started_at) * per_second) / 1_000);
    for (; made < due; made += 1) underWay.push(callOnce(started_at + (made / per_second) * 1_000));
  }
  await Promise.all([...underWay, ended]);
  return Float64Array.from(latencies);
}
