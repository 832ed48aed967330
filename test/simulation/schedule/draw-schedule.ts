import type { Random } from '../random.ts';
import { Random as RandomOf } from '../random.ts';
import { DAY, HOUR, MINUTE } from '../time.ts';
import type { Action, Increment, Place, RequestFault, Schedule } from './action.ts';

const MIN_ACTIONS = 3;
const MAX_ACTIONS = 24;
const FIRST_START = Date.UTC(2026, 0, 10, 12);
/** Mostly seldom: a day on which nothing happens proves nothing. */
const CRONS = ['0 0 * * *', '0 0 * * 1', '30 5 1,15 * *', '30 5 1,15 * *'] as const;

/** The schedule of a seed: always the same. */
export function drawSchedule(seed: number): Schedule {
  const random = new RandomOf(seed);
  const start = FIRST_START + random.integer(0, 39) * DAY + random.integer(0, 999);
  const length = random.integer(MIN_ACTIONS, MAX_ACTIONS);
  const actions = [...beginning(random)];
  for (let count = 0; count < length; count += 1) actions.push(random.weighted(ACTIONS)(random));
  return {
    seed,
    start,
    cron: random.pick(CRONS),
    // Usage of the last late minute is in time for its invoice.
    lag_minutes: random.pick([25, 25, 5, 0]),
    actions,
    events: random.pick(['none', 'reliable', 'unreliable']),
  };
}

/** How the accounts begin: most of them pay, so that schedules are about money. */
function beginning(random: Random): readonly Action[] {
  return random.pick<readonly Action[]>([
    [],
    [
      { kind: 'subscribe', account: 0, trial_days: null },
      { kind: 'link', account: 0 },
      { kind: 'subscribe', account: 1, trial_days: null },
      { kind: 'link', account: 1 },
    ],
    [
      { kind: 'subscribe', account: 0, trial_days: null },
      { kind: 'link', account: 0 },
      { kind: 'link', account: 1 },
    ],
    [
      { kind: 'subscribe', account: 0, trial_days: null },
      { kind: 'link', account: 0 },
    ],
    [{ kind: 'subscribe', account: 0, trial_days: null }],
    [
      { kind: 'subscribe', account: 0, trial_days: 7 },
      { kind: 'link', account: 0 },
      { kind: 'subscribe', account: 1, trial_days: null },
      { kind: 'link', account: 1 },
    ],
  ]);
}

type Draw = (random: Random) => Action;

const ACTIONS: readonly (readonly [weight: number, draw: Draw])[] = [
  [16, (random) => ({ kind: 'increment', ...drawIncrement(random) })],
  [
    4,
    (random) => ({ kind: 'report', process: one(random), account: random.chance(0.8) ? one(random) : null }),
  ],
  [5, (random) => ({ kind: 'pass', ms: duration(random) })],
  [3, (random) => ({ kind: 'pass_to_end', account: one(random), offset: aroundEnd(random) })],
  [3, drawLate],
  [2, (random) => ({ kind: 'skip', ms: duration(random) })],
  [2, (random) => ({ kind: 'link', account: one(random) })],
  [1, (random) => ({ kind: 'plan', account: one(random), plan: random.pick(['free', 'pro']) })],
  [2, (random) => ({ kind: 'subscribe', account: one(random), trial_days: trialDays(random) })],
  [
    1,
    (random) => ({
      kind: 'move_trial',
      account: one(random),
      ms: random.chance(0.3) ? 0 : upTo(random, random.pick([HOUR, 20 * DAY])),
    }),
  ],
  [1, (random) => ({ kind: 'cancel', account: one(random) })],
  [
    1,
    (random) => ({
      kind: 'replace',
      account: one(random),
      ms: random.pick([upTo(random, 2_000), upTo(random, 2 * DAY)]),
    }),
  ],
  [2, drawFault],
  [2, drawFlurry],
  [1, (random) => ({ kind: 'delayed', ms: upTo(random, 30 * HOUR) })],
  [
    1,
    (random) => ({
      kind: 'outage',
      ms: random.chance(0.5) ? upTo(random, 40 * HOUR) : random.integer(30 * HOUR, 70 * HOUR),
    }),
  ],
  [
    4,
    (random) => ({ kind: 'crash', process: one(random), points: random.integer(0, 12), at: place(random) }),
  ],
  [
    2,
    (random) => ({
      kind: 'stall',
      account: random.chance(0.5) ? one(random) : null,
      points: random.integer(0, 6),
      at: random.pick<Place>(['anywhere', 'sending', 'sending', 'closing']),
    }),
  ],
  [1, () => ({ kind: 'revive' })],
  [2, (random) => ({ kind: 'race', account: one(random), quantities: quantities(random, 1, 5) })],
  [1, (random) => ({ kind: 'reopen', process: one(random) })],
  [0.3, (random) => ({ kind: 'skew', process: one(random), ms: random.integer(-90 * MINUTE, HOUR) })],
  [0.5, (random) => ({ kind: 'poison', account: one(random), times: random.integer(1, 5) })],
  [0.7, () => ({ kind: 'backup' })],
  [0.5, () => ({ kind: 'restore' })],
  [
    0.4,
    (random) => ({
      kind: 'foreign',
      account: one(random),
      quantity: random.integer(1, 100),
      ago: upTo(random, 2 * DAY),
    }),
  ],
  [0.5, (random) => ({ kind: 'reject_async', times: random.integer(1, 2), ms: upTo(random, 2 * HOUR) })],
  [0.3, (random) => ({ kind: 'delete_customer', account: one(random) })],
];

function drawIncrement(random: Random): Increment {
  return {
    account: one(random),
    process: one(random),
    quantity: random.integer(1, 1_000),
    key: random.chance(0.3) ? random.integer(0, 3) : null,
    ago: random.chance(0.5) ? drawAgo(random) : null,
    times: random.chance(0.8) ? 1 : random.integer(2, 8),
    transaction: random.pick([null, null, null, 'COMMIT', 'COMMIT', 'ROLLBACK']),
  };
}

function drawAgo(random: Random): number {
  const longest = random.pick([2_000, HOUR, 3 * DAY, 35 * DAY, 0]);
  return longest === 0 ? random.integer(-5 * MINUTE, 0) : upTo(random, longest);
}

function drawLate(random: Random): Action {
  const offset = random.chance(0.5) ? random.integer(0, 29 * MINUTE) : random.integer(30 * MINUTE, 6 * HOUR);
  const before = upTo(random, random.pick([2_000, 5 * DAY]));
  return { kind: 'late', account: one(random), offset, before };
}

function drawFault(random: Random): Action {
  const fault = drawRequestFault(random);
  const on = random.pick(['meter_events', 'anything'] as const);
  return {
    kind: 'fault',
    fault,
    on: fault === 'other_200' ? 'meter_events' : on,
    times: random.integer(1, 4),
    retry_after_s: random.pick([1, 30, 7_200]),
    ms: upTo(random, 2 * HOUR),
  };
}

function drawFlurry(random: Random): Action {
  return {
    kind: 'flurry',
    account: one(random),
    fault: drawRequestFault(random),
    times: random.integer(1, 4),
    quantities: quantities(random, 2, 4),
    ms: upTo(random, 20_000),
  };
}

function drawRequestFault(random: Random): RequestFault {
  return random.pick<RequestFault>([
    '500_before',
    '500_after',
    'reset',
    'reset_after',
    '429',
    '409',
    'html_200',
    'empty_200',
    'other_200',
  ]);
}

function one(random: Random): number {
  return random.integer(0, 1);
}

function upTo(random: Random, max: number): number {
  return random.integer(1, max);
}

/** Seconds, hours, days or weeks. */
function duration(random: Random): number {
  return upTo(random, random.pick([MINUTE, 2 * HOUR, 2 * DAY, 20 * DAY]));
}

function aroundEnd(random: Random): number {
  return random.chance(0.5) ? random.integer(-2_000, 2_000) : random.integer(0, 2 * HOUR);
}

function trialDays(random: Random): number | null {
  return random.chance(0.2) ? random.integer(1, 14) : null;
}

function quantities(random: Random, min: number, max: number): number[] {
  return Array.from({ length: random.integer(min, max) }, () => random.integer(1, 4));
}

function place(random: Random): Place {
  return random.pick<Place>(['anywhere', 'anywhere', 'sending', 'recording', 'closing']);
}
