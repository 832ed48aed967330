import { must } from '../invariants/broken.ts';
import type { Action } from '../schedule/action.ts';
import { AWAITED } from '../schedule/awaited.ts';
import { DAY } from '../time.ts';
import { expectEvent, increment } from './increments.ts';
import { pass, skip } from './passing.ts';
import { type AccountName, nameOf, type Scene } from './scene.ts';
import {
  cancel,
  deleteCustomer,
  link,
  moveTrial,
  replace,
  sendForeign,
  subscribe,
} from './stripe-actions.ts';
import * as troubles from './troubles.ts';

type Of<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;
type Handlers = {
  readonly [Kind in Action['kind']]: (scene: Scene, action: Of<Kind>) => Promise<void> | void;
};

/** Carries out one step of a schedule, on the product and on the expectations alike. */
export async function act(scene: Scene, action: Action): Promise<void> {
  if (AWAITED.has(action.kind)) return;
  scene.trace.add(() => JSON.stringify(action));
  // The kind chooses the handler of its own action.
  const handler = HANDLERS[action.kind] as (scene: Scene, action: Action) => Promise<void> | void;
  await handler(scene, action);
}

const HANDLERS: Handlers = {
  increment: (scene, action) => increment(scene, action),
  report: async (scene, { process, account }) => {
    await scene.call(process, (usage) => usage.report(account === null ? {} : { account: nameOf(account) }));
  },
  pass: (scene, { ms }) => pass(scene, scene.now + ms),
  pass_to_end: (scene, { account, offset }) => pass(scene, endOf(scene, nameOf(account)) + offset),
  late: async (scene, { account, offset, before }) => {
    const end = endOf(scene, nameOf(account));
    await pass(scene, end + offset);
    const ago = scene.now - end + before;
    await increment(scene, {
      account,
      process: 0,
      quantity: 50,
      key: null,
      ago,
      times: 1,
      transaction: null,
    });
  },
  skip: (scene, { ms }) => skip(scene, ms),
  link: (scene, { account }) => link(scene, nameOf(account)),
  plan: async (scene, { account, plan }) => {
    await scene.call(0, (usage) => usage.accounts.set({ account: nameOf(account), plan }));
  },
  subscribe: (scene, { account, trial_days }) => subscribe(scene, nameOf(account), trial_days),
  move_trial: (scene, { account, ms }) => moveTrial(scene, nameOf(account), ms),
  cancel: (scene, { account }) => cancel(scene, nameOf(account)),
  replace: (scene, { account, ms }) => replace(scene, nameOf(account), ms),
  fault: troubles.fault,
  flurry: troubles.flurry,
  delayed: troubles.delayed,
  outage: troubles.outage,
  crash: troubles.crash,
  stall: troubles.stall,
  revive: troubles.revive,
  race,
  reopen: (scene, { process }) => scene.reopen(process),
  skew: troubles.skew,
  poison: troubles.poison,
  backup: troubles.backUp,
  restore: troubles.restore,
  foreign: sendForeign,
  reject_async: troubles.rejectLater,
  delete_customer: (scene, { account }) => deleteCustomer(scene, nameOf(account)),
};

function endOf(scene: Scene, account: AccountName): number {
  return scene.expectations[account].periodEndAfter(scene.now) ?? scene.now;
}

/** Both processes seal and send while both record. */
async function race(scene: Scene, { account: index, quantities }: Of<'race'>): Promise<void> {
  const account = nameOf(index);
  const from = scene.now;
  const before = new Set((await scene.ledger.events()).map(({ event_id }) => event_id));
  const acknowledged: { quantity: number; recorded_at: number }[] = [];
  const issued = quantities.map((quantity, call) => {
    const process = call % scene.processCount;
    return [
      process,
      async (usage: Parameters<Parameters<Scene['call']>[1]>[0]) => {
        const recorded_at = scene.now + scene.skewOf(process);
        await usage.increment({ account, quantity });
        acknowledged.push({ quantity, recorded_at });
      },
    ] as const;
  });
  await scene.race([[0, (usage) => usage.report()], ...issued, [1, (usage) => usage.report({ account })]]);
  scene.miss(from, scene.now);
  const added = (await scene.ledger.events()).filter(({ event_id }) => !before.has(event_id));
  // A process that died may have recorded more than it acknowledged: then the ledger tells how much.
  const counted = added.reduce((sum, { quantity }) => sum + quantity, 0);
  const known = acknowledged.reduce((sum, { quantity }) => sum + quantity, 0);
  const all = quantities.reduce((sum, quantity) => sum + quantity, 0);
  must(
    known <= counted && counted <= all,
    'I1',
    `${counted} were counted of ${known} acknowledged and ${all} issued`,
  );
  must(
    added.every(({ recorded_at }) => recorded_at <= scene.now + DAY),
    'I1',
    'an event is recorded in the future',
  );
  for (const { quantity, recorded_at } of added) {
    expectEvent(scene, { account, quantity, timestamp: null, recorded_at }, added);
  }
}
