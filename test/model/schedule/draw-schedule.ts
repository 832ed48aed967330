import { Random } from '../../simulation/random.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../simulation/time.ts';
import type { PaidPlan, PlanName } from '../catalogue.ts';
import type { Action, CrashPlace, FaultPlace, Increment, RequestFault, Schedule } from './action.ts';

const MIN_ACTIONS = 5;
const MAX_ACTIONS = 40;
export const ACCOUNT_COUNT = 3;
const FIRST_START = Date.UTC(2026, 0, 10, 12);
const CRONS = ['0 0 * * *', '30 5 1,15 * *', '0 */6 * * *'] as const;

/** The schedule of a seed: always the same. */
export function drawSchedule(seed: number): Schedule {
  const random = new Random(seed);
  // Months end differently, and the 31st is an anchor of its own.
  const start = FIRST_START + random.integer(0, 60) * DAY + random.integer(0, DAY - 1);
  const length = random.integer(MIN_ACTIONS, MAX_ACTIONS);
  const actions = [...beginning(random)];
  for (let count = 0; count < length; count += 1) actions.push(random.weighted(ACTIONS)(random));
  return {
    seed,
    start,
    cron: random.pick(CRONS),
    lag_minutes: random.pick([0, 5, 25, 30]),
    with_webhooks: random.chance(0.5),
    verify_timeout_ms: random.pick([0, 0, 10 * SECOND]),
    actions,
  };
}

/** Most schedules begin with somebody who pays. */
function beginning(random: Random): Action[] {
  const subscribers = random.integer(0, ACCOUNT_COUNT);
  return Array.from({ length: subscribers }, (_, account) => drawSubscription(random, account));
}

type Draw = (random: Random) => Action;

const ACTIONS: readonly (readonly [weight: number, draw: Draw])[] = [
  [18, (random) => ({ kind: 'increment', ...drawIncrement(random) })],
  [2, (random) => drawSubscription(random, account(random))],
  [
    5,
    (random) => ({
      kind: 'change',
      account: account(random),
      process: process(random),
      plan: random.chance(0.1) ? 'free' : paidPlan(random),
      seats: random.chance(0.3) ? random.integer(1, 7) : null,
    }),
  ],
  [3, drawSeats],
  [1, (random) => ({ kind: 'join', account: account(random), seats: random.integer(1, 3) })],
  [1, (random) => ({ kind: 'pause', account: account(random), process: process(random) })],
  [
    2,
    (random) => ({
      kind: 'cancel',
      account: account(random),
      process: process(random),
      when: random.pick(['now', 'period_end']),
    }),
  ],
  [2, (random) => ({ kind: 'resume', account: account(random), process: process(random) })],
  [
    1,
    (random) => ({
      kind: 'move_trial',
      account: account(random),
      ms: random.chance(0.4) ? null : random.integer(HOUR, 12 * DAY),
    }),
  ],
  [
    1,
    (random) => ({
      kind: 'race',
      account: account(random),
      plan: paidPlan(random),
      quantities: Array.from({ length: random.integer(1, 5) }, () => random.integer(1, 9)),
    }),
  ],
  [1, (random) => ({ kind: 'report', process: process(random) })],
  [7, (random) => ({ kind: 'pass', ms: duration(random) })],
  [4, (random) => ({ kind: 'pass_to_end', account: account(random), offset: aroundEnd(random) })],
  [1, (random) => ({ kind: 'skip', ms: random.integer(1, 10 * MINUTE) })],
  [4, drawFault],
  [1, (random) => ({ kind: 'outage', ms: random.integer(1, 15 * MINUTE) })],
  [
    3,
    (random) => ({
      kind: 'crash',
      process: process(random),
      points: random.integer(0, 12),
      at: random.pick<CrashPlace>(['anywhere', 'recording', 'changing', 'changing', 'sending']),
    }),
  ],
  [1, (random) => ({ kind: 'reopen', process: process(random) })],
];

function drawSubscription(random: Random, of: number): Action {
  const trial_days = random.chance(0.3) ? random.integer(1, 14) : null;
  return {
    kind: 'subscribe',
    account: of,
    plan: paidPlan(random),
    seats: random.integer(1, 6),
    trial_days,
  };
}

function drawIncrement(random: Random): Increment {
  return {
    account: account(random),
    process: process(random),
    quantity: random.pick([random.integer(1, 9), random.integer(1, 900), random.integer(1, 5_000)]),
    key: random.chance(0.3) ? random.integer(0, 5) : null,
    ago: random.chance(0.35) ? drawAgo(random) : null,
  };
}

function drawSeats(random: Random): Action {
  const how = random.pick(['set', 'add'] as const);
  const added = random.pick([-2, -1, 1, 1, 2, 3]);
  return {
    kind: 'seats',
    how,
    account: account(random),
    process: process(random),
    seats: how === 'set' ? random.integer(1, 7) : added,
  };
}

function drawAgo(random: Random): number {
  return random.integer(0, random.pick([2 * SECOND, 20 * MINUTE, 3 * HOUR, 3 * DAY, 33 * DAY]));
}

function drawFault(random: Random): Action {
  const fault = random.pick<RequestFault>([
    '500_before',
    '500_after',
    'reset',
    'reset',
    'reset_after',
    'reset_after',
    '429',
    '409',
    'html_200',
    'empty_200',
  ]);
  return {
    kind: 'fault',
    fault,
    on: random.pick<FaultPlace>(['meter_events', 'summaries', 'subscriptions', 'subscriptions', 'anything']),
    times: random.integer(1, 4),
    retry_after_s: random.pick([1, 30, 300]),
    effect_after_ms: fault === 'reset' && random.chance(0.5) ? random.integer(SECOND, 30 * MINUTE) : null,
  };
}

function account(random: Random): number {
  return random.integer(0, ACCOUNT_COUNT - 1);
}

function process(random: Random): number {
  return random.integer(0, 1);
}

function paidPlan(random: Random): PaidPlan & PlanName {
  return random.pick<PaidPlan>(['pro', 'business', 'team', 'scale']);
}

/** Seconds, hours, days or weeks. */
function duration(random: Random): number {
  return random.integer(1, random.pick([3 * SECOND, MINUTE, 2 * HOUR, 2 * DAY, 20 * DAY]));
}

function aroundEnd(random: Random): number {
  return random.pick([
    random.integer(-2 * SECOND, 2 * SECOND),
    random.integer(-20 * MINUTE, 0),
    random.integer(0, 2 * HOUR),
  ]);
}
