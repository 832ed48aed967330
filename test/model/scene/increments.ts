import { UsageError } from '../../../src/core/errors.ts';
import type { IncrementParams, IncrementResult } from '../../../src/index.ts';
import { GONE } from '../../simulation/app/fate.ts';
import { must, mustEqual } from '../../simulation/invariants/broken.ts';
import { type EventRow, keyOf, total } from '../../simulation/scene/ledger.ts';
import { DAY } from '../../simulation/time.ts';
import type { Increment } from '../schedule/action.ts';
import type { AccountLog } from './account-log.ts';
import { changeRows } from './change-rows.ts';
import type { ModelScene } from './scene.ts';

/** Keys are used for less time than they are kept. */
const KEY_LIFE = 20 * DAY;

/** Records usage as the app does, and writes down what was acknowledged. */
export async function increment(scene: ModelScene, action: Increment): Promise<void> {
  const { quantity, ago } = action;
  const account = scene.account(action.account);
  const timestamp = ago === null ? null : scene.now - ago;
  const key = action.key === null ? null : `key_${action.key}_${Math.floor(scene.now / KEY_LIFE)}`;
  const params: IncrementParams<'credits'> = {
    account: account.name,
    quantity,
    ...(key === null ? {} : { idempotency_key: key }),
    ...(timestamp === null ? {} : { timestamp: new Date(timestamp) }),
  };
  const content = `${quantity}|${timestamp}`;
  const answer = await record(scene, account, action.process, params);
  if (answer === GONE && key !== null) {
    // What an app does that has heard nothing: once more with the same key.
    if (answer === GONE) await record(scene, account, action.process + 1, params);
    account.keys.set(key, account.keys.get(key) ?? content);
    return;
  }
  if (answer === GONE) return;
  const earlier = key === null ? undefined : account.keys.get(key);
  const wanted = earlier === undefined ? 'recorded' : earlier === content ? 'duplicate' : 'conflict';
  mustEqual(wordOf(answer), wanted, 'answer', `increment of ${account.name} with ${key}`);
  if (key !== null && earlier === undefined) account.keys.set(key, content);
}

/** One call; whatever came of it, the ledger tells what it added: all of it or nothing. */
async function record(
  scene: ModelScene,
  account: AccountLog,
  process: number,
  params: IncrementParams<'credits'>,
): Promise<IncrementResult | UsageError | typeof GONE> {
  const from = scene.now;
  const before = await eventIds(scene);
  const answer = await scene.call(process, (usage) =>
    usage.increment(params).catch((error: unknown) => {
      if (error instanceof UsageError) return error;
      throw error;
    }),
  );
  const added = (await scene.ledger.events()).filter(({ event_id }) => !before.has(event_id));
  must(added.length <= 1, 'I1', `one increment became ${added.length} events`);
  const isCounted = answer !== GONE && !(answer instanceof UsageError) && answer.recorded;
  if (answer !== GONE) mustEqual(added.length, isCounted ? 1 : 0, 'I1', `events of ${wordOf(answer)}`);
  if (added.length === 1) mustEqual(total(added), params.quantity, 'I1', 'what an event counts');
  await noteEvents(scene, account, added, { from });
  return answer;
}

/** @returns the ids of all events so far. */
export async function eventIds(scene: ModelScene): Promise<Set<number>> {
  return new Set((await scene.ledger.events()).map(({ event_id }) => event_id));
}

/**
 * What was recorded after a change was asked for, in the same second, is used after it: requests count from the next
 * whole second on. Of calls at the same time, it is before the request what is in a report that was sealed for it.
 */
export async function noteEvents(
  scene: ModelScene,
  account: AccountLog,
  added: readonly EventRow[],
  { from, isRace = false }: { readonly from: number; readonly isRace?: boolean },
): Promise<void> {
  const last = (await changeRows(scene, account.name)).at(-1);
  const requested_at = last === undefined || last.kind === 'seats' ? 0 : last.requested_at;
  const reports = new Map((await scene.ledger.reports()).map((report) => [keyOf(report), report]));
  for (const event of added) {
    const { event_id, quantity, occurred_at, recorded_at } = event;
    mustEqual(event.account_id, account.name, 'I18', 'the account of an event');
    must(from <= recorded_at && recorded_at <= scene.now, 'I1', `an event is recorded at ${recorded_at}`);
    const sealed_at = reports.get(keyOf(event))?.period_end ?? Number.POSITIVE_INFINITY;
    const isBefore = isRace && sealed_at <= requested_at;
    const told_at = isBefore ? recorded_at : Math.max(recorded_at, requested_at);
    account.usage.push({ event_id, quantity, occurred_at, recorded_at: told_at });
  }
}

function wordOf(answer: IncrementResult | UsageError | typeof GONE): string {
  if (answer === GONE) return 'gone';
  if (answer instanceof UsageError) return answer.code === 'idempotency_conflict' ? 'conflict' : answer.code;
  return answer.duplicate ? 'duplicate' : 'recorded';
}
