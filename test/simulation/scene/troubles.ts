import type { Fault } from '../../../src/testing/stripe-simulator/faults.ts';
import { type Fate, GONE } from '../app/fate.ts';
import { must } from '../invariants/broken.ts';
import type { Action, Place } from '../schedule/action.ts';
import { HOUR, MINUTE } from '../time.ts';
import { increment } from './increments.ts';
import { pass, skip } from './passing.ts';
import { ACCOUNTS, nameOf, type Scene } from './scene.ts';

type Of<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;

const METER_EVENTS = { method: 'POST', path: '/v1/billing/meter_events' } as const;
/**
 * Between the last blind resend, after 22 hours, and the 24 hours after which Stripe forgets identifiers. Against a
 * request that is on its way for longer, nothing helps (docs/reports.md, "Known gaps"), so no schedule has one: neither
 * a delayed request, nor a worker that stands still between its decision to send and the request.
 */
const LONGEST_ON_THE_WAY = 2 * HOUR - MINUTE;
const DECIDED_TO_SEND = /^(provider\.sendReport:before|provider\.readCounted:after|store\.changeReport:)/;
const POISONED_FOR = 2 * HOUR;
const LONGEST_DELAY = 30 * MINUTE;

/** Which labels a fate counts. */
const PLACES: Readonly<Record<Place, RegExp>> = {
  anywhere: /./,
  sending: /\.(changeReport|sendReport|readCounted|listSlots):/,
  recording: /\.(recordUsage|recordInTransaction|rollUp):/,
  closing: /\.(closeReports|setSubscriptionItems|setLastRun|acquireLease|releaseLease|rollUp):/,
};

export function crash(scene: Scene, { process, points, at }: Of<'crash'>): void {
  scene.meet(process, { kind: 'crash', points, at: PLACES[at] });
}

/** A further process runs the report job and stands still in it. */
export async function stall(scene: Scene, { account, points, at }: Of<'stall'>): Promise<void> {
  const process = scene.openProcess();
  const fate: Fate = { kind: 'stall', points, at: PLACES[at] };
  process.meet(fate);
  const run = process.call((usage) => usage.report(account === null ? {} : { account: nameOf(account) }));
  if ((await scene.drive(run)) === GONE) {
    scene.stall(process);
    return;
  }
  process.spare();
  await scene.drive(process.close());
}

/** The workers that stand still hear and see again, and go on with what they were about to do. */
export async function revive(scene: Scene): Promise<void> {
  for (const { process, since } of scene.stalled.splice(0)) {
    const isTooLate = scene.now - since > LONGEST_ON_THE_WAY && DECIDED_TO_SEND.test(process.stalledAt ?? '');
    if (isTooLate) process.die();
    else {
      await scene.drive(process.wake());
      process.spare();
      await scene.drive(process.close());
    }
  }
}

/** Stripe fails while the job runs and time passes. */
async function failing(scene: Scene, fault: Fault, ms: number): Promise<void> {
  const from = scene.now;
  scene.stripe.simulator.faults.add(fault);
  await scene.call(0, (usage) => usage.report());
  await pass(scene, Math.max(scene.now, from + ms));
  scene.stripe.simulator.faults.clear();
  scene.miss(from, scene.now);
}

export async function fault(scene: Scene, action: Of<'fault'>): Promise<void> {
  const { on, times, ms, retry_after_s } = action;
  const where = on === 'meter_events' ? METER_EVENTS : {};
  await failing(scene, { kind: action.fault, times, retry_after_s, ...where }, ms);
  // The job comes back when Stripe asked it to.
  if (action.fault === '429') scene.miss(scene.now, scene.now + retry_after_s * 1_000);
}

export async function delayed(scene: Scene, { ms }: Of<'delayed'>): Promise<void> {
  const effect_after_ms = Math.min(ms, LONGEST_ON_THE_WAY);
  await failing(scene, { kind: 'reset', times: 1, effect_after_ms, ...METER_EVENTS }, 1_000);
}

export async function outage(scene: Scene, { ms }: Of<'outage'>): Promise<void> {
  await failing(scene, { kind: 'reset', times: 1_000_000 }, ms);
}

export async function flurry(scene: Scene, action: Of<'flurry'>): Promise<void> {
  const { account, times, quantities, ms } = action;
  const from = scene.now;
  const { faults } = scene.stripe.simulator;
  faults.add({ kind: action.fault, times, ...METER_EVENTS });
  for (const quantity of quantities) {
    await increment(scene, {
      account,
      process: 0,
      quantity,
      key: null,
      ago: null,
      times: 1,
      transaction: null,
    });
    skip(scene, ms);
    await scene.call(0, (usage) => usage.report({ account: nameOf(account) }));
  }
  faults.clear();
  scene.miss(from, scene.now);
}

/** Stripe takes reports and rejects them when it would count them; the event that tells of it is lost. */
export async function rejectLater(scene: Scene, { times, ms }: Of<'reject_async'>): Promise<void> {
  for (const account of ACCOUNTS) scene.expectations[account].troubles.add('rejected');
  await failing(scene, { kind: 'reject_async', times }, ms);
}

/** The storage fails whenever the job looks at one account; the other goes on (I13). */
export async function poison(scene: Scene, { account, times }: Of<'poison'>): Promise<void> {
  const from = scene.now;
  scene.poison = { account: nameOf(account), timesLeft: times };
  scene.expectations[nameOf(account)].troubles.add('poisoned');
  await scene.call(0, (usage) => usage.report());
  await pass(scene, Math.max(scene.now, from + POISONED_FOR));
  scene.poison = null;
  const other = ACCOUNTS.find((name) => name !== nameOf(account));
  for (const { account_id, status, report_id, due_at } of await scene.ledger.reports()) {
    if (account_id !== other || (status !== 'closed' && status !== 'sending')) continue;
    const isLookedAt = due_at !== null && due_at > scene.now - LONGEST_DELAY;
    must(isLookedAt, 'I13', `report ${other}|${report_id} waits for an account that is poisoned`);
  }
}

export function backUp(scene: Scene): void {
  if (!scene.database.backUp) return;
  scene.database.backUp();
  scene.backup = {
    taken_at: scene.now,
    expectations: ACCOUNTS.map((account) => scene.expectations[account].snapshot()),
  };
}

/** All processes die, and the database is as it was at the last backup. */
export async function restore(scene: Scene): Promise<void> {
  if (!scene.database.restore || !scene.backup) return;
  await scene.crashAll();
  scene.database.restore();
  for (const [index, account] of ACCOUNTS.entries()) {
    const snapshot = scene.backup.expectations[index];
    if (snapshot) scene.expectations[account].restore(snapshot);
  }
  // Of the work since then the database knows nothing.
  scene.miss(scene.backup.taken_at, scene.now);
  scene.openAll();
}

export async function skew(scene: Scene, { process, ms }: Of<'skew'>): Promise<void> {
  await scene.reopen(process, { skew_ms: ms });
  for (const account of ACCOUNTS) scene.expectations[account].troubles.add('skewed');
}
