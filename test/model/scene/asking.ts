import { UsageError, type UsageErrorCode } from '../../../src/core/errors.ts';
import type { AppUsage } from '../../simulation/app/app-process.ts';
import { GONE } from '../../simulation/app/fate.ts';
import { must, mustEqual } from '../../simulation/invariants/broken.ts';
import { SECOND } from '../../simulation/time.ts';
import type { PaidPlan } from '../catalogue.ts';
import type { AccountLog } from './account-log.ts';
import { changeRows } from './change-rows.ts';
import type { ModelScene } from './scene.ts';

/** What an app may be told: there is nothing to change, something is under way, or Stripe does not answer. */
const REFUSALS: readonly UsageErrorCode[] = [
  'subscription_not_found',
  'already_subscribed',
  'change_pending',
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

/** Writes down the change that a call led to, if any, with what the call asked for. */
export async function noteChange(
  scene: ModelScene,
  { name, asked }: AccountLog,
  wanted: { readonly plan: PaidPlan | null; readonly seats: number | null },
  from: number,
): Promise<void> {
  const known = asked.at(-1)?.change_id ?? 0;
  const added = (await changeRows(scene, name)).filter(({ change_id }) => change_id > known);
  must(added.length <= 1, 'answer', `one call of ${name} led to ${added.length} changes`);
  const [row] = added;
  if (!row) return;
  const second = Math.floor(from / SECOND) * SECOND;
  const isOfCall = row.requested_at > second && row.requested_at <= scene.now + SECOND;
  must(isOfCall, 'answer', `change ${row.change_id} of ${name} counts from ${row.requested_at}`);
  mustEqual(row.kind === 'cancel', wanted.plan === null, 'answer', `whether change ${row.change_id} cancels`);
  asked.push({ change_id: row.change_id, ...wanted });
}
