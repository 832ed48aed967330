import { UsageError } from '../../../src/core/errors.ts';
import type { IncrementParams, IncrementResult } from '../../../src/index.ts';
import type { AppUsage } from '../app/app-process.ts';
import { GONE } from '../app/fate.ts';
import { must, mustEqual } from '../invariants/broken.ts';
import type { Increment } from '../schedule/action.ts';
import { DAY } from '../time.ts';
import { type EventRow, total } from './ledger.ts';
import { type AccountName, nameOf, type Scene } from './scene.ts';

const KEYS_KEPT = 35 * DAY;

type Settled = PromiseSettledResult<IncrementResult>;

/** Records usage as the app does, and writes down what was acknowledged. */
export async function increment(scene: Scene, action: Increment): Promise<void> {
  const { quantity, ago, process } = action;
  const account = nameOf(action.account);
  const { keyedAt } = scene.expectations[account];
  // A key is kept for 36 days, and forgotten some time after.
  const usedAt = action.key === null ? scene.now : (keyedAt.get(action.key) ?? scene.now);
  const key = scene.now - usedAt < KEYS_KEPT ? action.key : null;
  if (key !== null) keyedAt.set(key, usedAt);
  const recorded_at = scene.now + scene.skewOf(process);
  const timestamp = ago === null ? null : recorded_at - ago;
  const params: IncrementParams<'credits'> = {
    account,
    quantity,
    ...(key === null ? {} : { idempotency_key: `key_${key}` }),
    ...(timestamp === null ? {} : { timestamp: new Date(timestamp) }),
  };
  const before = new Set((await scene.ledger.events()).map(({ event_id }) => event_id));
  const answers: Settled[] = [];
  const end = await record(scene, action, params, answers);
  const added = (await scene.ledger.events()).filter(({ event_id }) => !before.has(event_id));
  const told = { account, quantity, timestamp, recorded_at, key };
  if (end === 'rolled back') mustEqual(added.length, 0, 'I1', 'events of a transaction that was rolled back');
  else if (end === 'gone') await learnOf(scene, { ...action, key }, told, answers, added);
  else checkAnswers(scene, told, answers, added);
}

interface Told {
  readonly account: AccountName;
  readonly quantity: number;
  readonly timestamp: number | null;
  readonly recorded_at: number;
  readonly key: number | null;
}

async function record(
  scene: Scene,
  { process, times, transaction }: Increment,
  params: IncrementParams<'credits'>,
  answers: Settled[],
): Promise<'ended' | 'gone' | 'rolled back'> {
  const { transact } = scene.database;
  const note = (call: Promise<IncrementResult>) =>
    call.then(
      (value) => answers.push({ status: 'fulfilled', value }),
      (reason) => answers.push({ status: 'rejected', reason }),
    );
  if (transact === null || transaction === null) {
    if (transaction === 'ROLLBACK') return 'rolled back';
    const together = (usage: AppUsage) =>
      Promise.all(Array.from({ length: times }, () => note(usage.increment(params))));
    return (await scene.call(process, together)) === GONE ? 'gone' : 'ended';
  }
  return await transact(transaction, async (open) => {
    for (let call = 0; call < times; call += 1) {
      const one = (usage: AppUsage) => note(usage.increment(params, { transaction: open }));
      // The transaction is the app's: when its process is gone, the database rolls it back.
      if ((await scene.call(process, one)) === GONE) throw GONE;
    }
    return transaction === 'COMMIT' ? 'ended' : 'rolled back';
  }).catch((error: unknown) => {
    if (error !== GONE) throw error;
    return 'rolled back' as const;
  });
}

function checkAnswers(
  scene: Scene,
  told: Told,
  answers: readonly Settled[],
  added: readonly EventRow[],
): void {
  const { account, key } = told;
  const { keys } = scene.expectations[account];
  const content = `${told.quantity}|${told.timestamp}`;
  const earlier = key === null ? undefined : keys.get(`key_${key}`);
  if (key !== null && earlier === undefined) keys.set(`key_${key}`, content);
  const isConflict = earlier !== undefined && earlier !== content;
  for (const [index, answer] of answers.entries()) {
    const isNew = key === null || (earlier === undefined && index === 0);
    if (isConflict) {
      const code = answer.status === 'rejected' && answer.reason instanceof UsageError && answer.reason.code;
      mustEqual(code, 'idempotency_conflict', 'answer', `key_${key} with other content`);
      continue;
    }
    const given = answer.status === 'fulfilled' ? answer.value : String(answer.reason);
    const wanted = { recorded: isNew, duplicate: !isNew };
    mustEqual(JSON.stringify(given), JSON.stringify(wanted), 'answer', `increment with key ${key}`);
    if (isNew) expectEvent(scene, told, added);
  }
}

/** The process is gone: only the ledger tells what was recorded, each call once or not at all. */
async function learnOf(
  scene: Scene,
  { times, ...action }: Increment,
  told: Told,
  answers: readonly Settled[],
  added: readonly EventRow[],
): Promise<void> {
  const { quantity, key, account } = told;
  const { keys } = scene.expectations[account];
  const counted = total(added) / quantity;
  const acknowledged = answers.filter((answer) => answer.status === 'fulfilled' && answer.value.recorded);
  must(Number.isInteger(counted), 'I1', `${total(added)} were counted of increments by ${quantity}`);
  must(counted >= acknowledged.length, 'I1', 'what a process acknowledged before it died is not counted');
  must(counted <= (key === null ? times : 1), 'I1', `${counted} of ${times} increments were counted`);
  for (let count = 0; count < counted; count += 1) expectEvent(scene, told, added);
  if (key === null) return;
  if (counted === 1) {
    must(!keys.has(`key_${key}`), 'I1', `key_${key} was counted again`);
    keys.set(`key_${key}`, `${quantity}|${told.timestamp}`);
  }
  // What an app does that has heard nothing: once more with the same key.
  await increment(scene, { ...action, times: 1, transaction: null });
}

export function expectEvent(
  scene: Scene,
  { account, quantity, timestamp, recorded_at }: Omit<Told, 'key'>,
  added: readonly EventRow[],
): void {
  let occurred_at = timestamp ?? recorded_at;
  if (occurred_at > recorded_at) {
    // A timestamp ahead stays in the billing period in which it was recorded.
    const [written = 0, ...others] = new Set(added.map((event) => event.occurred_at));
    mustEqual(others.length, 0, 'I1', 'further instants of one timestamp');
    must(written <= occurred_at && written >= recorded_at, 'I1', `a timestamp ahead became ${written}`);
    occurred_at = written;
  }
  scene.expectations[account].events.push({ quantity, occurred_at, recorded_at });
}
