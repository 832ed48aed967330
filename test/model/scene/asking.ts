import { UsageError, type UsageErrorCode } from '../../../src/core/errors.ts';
import type { AppUsage } from '../../simulation/app/app-process.ts';
import { GONE } from '../../simulation/app/fate.ts';
import { must, mustEqual } from '../../simulation/invariants/broken.ts';
import { SECOND } from '../../simulation/time.ts';
import type { AccountLog, Wanted } from './account-log.ts';
import { changeRows } from './change-rows.ts';
import type { ModelScene } from './scene.ts';

/** What an app may be told: there is nothing to change, something is under way, or Stripe does not answer. */
const REFUSALS: readonly UsageErrorCode[] = [
  'subscription_not_found',
  'already_subscribed',
  'several_subscriptions',
  'change_pending',
  'collection_paused',
  'subscription_ending',
  'seats_not_sold',
  'stripe_unavailable',
];

/** What a call ended in: its result, a refusal, or nothing because the process died. */
export type Answer<Result> = Result | UsageError | typeof GONE;

/** Calls a method that Stripe may refuse. */
export async function ask<Result>(
  scene: ModelScene,
  process: number,
  run: (usage: AppUsage) => Promise<Result>,
): Promise<Answer<Result>> {
  const answer = await scene.call(process, (usage) => refusalOf(run(usage)));
  scene.trace.add(() => `→ ${answer === GONE ? 'gone' : (JSON.stringify(answer) ?? 'done')}`);
  return answer;
}

/** A refusal that an app must expect, as a value. */
export async function refusalOf<Result>(call: Promise<Result>): Promise<Result | UsageError> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof UsageError && REFUSALS.includes(error.code)) return error;
    throw error;
  }
}

/** What calls led to, as they are noted. */
interface Noting {
  readonly from: number;
  /** So many calls at the same time. Default: 1. */
  readonly calls?: number;
  /** Whether collection was paused when the calls were made. */
  readonly was_paused: boolean;
}

/** Writes down the changes that calls led to, if any, with what they asked for. */
export async function noteChanges(
  scene: ModelScene,
  account: AccountLog,
  wanted: Wanted,
  { from, calls = 1, was_paused }: Noting,
): Promise<void> {
  const { name, asked } = account;
  const known = asked.at(-1)?.change_id ?? 0;
  const added = (await changeRows(scene, name)).filter(({ change_id }) => change_id > known);
  must(added.length <= calls, 'answer', `${calls} calls of ${name} led to ${added.length} changes`);
  await scene.settle();
  const isRefused = was_paused && isPaused(scene, account);
  must(!isRefused || added.length === 0, 'answer', `a change of ${name} began in a pause`);
  const second = Math.floor(from / SECOND) * SECOND;
  for (const row of added) {
    const isOfCall = row.requested_at > second && row.requested_at <= scene.now + 2 * SECOND;
    must(isOfCall, 'answer', `change ${row.change_id} of ${name} counts from ${row.requested_at}`);
    const kind = wanted.kind === 'added_seats' ? 'seats' : wanted.kind;
    mustEqual(row.kind, kind, 'answer', `the kind of change ${row.change_id}`);
    asked.push({ change_id: row.change_id, wanted });
  }
}

/** Whether Stripe collects nothing of an account's subscription now. */
export function isPaused({ diary }: ModelScene, { subscriptions }: AccountLog): boolean {
  const last = diary.last(subscriptions.at(-1)?.id ?? '');
  return last !== null && last.ended_at === null && last.pause_collection !== null;
}
