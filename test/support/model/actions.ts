import fc from 'fast-check';
import { DAY, HOUR, MINUTE } from '../credits-scene.ts';

type FaultKind = '500_before' | '500_after' | 'reset' | 'reset_after' | '429' | '409' | 'html_200';

/** One step of a schedule. `account` and `process` count from 0; a process is a `createUsage` on the common file. */
export type Action =
  | {
      readonly kind: 'increment';
      readonly account: number;
      readonly process: number;
      readonly quantity: number;
      /** null = without a key. */
      readonly key: number | null;
      /** Milliseconds before now, negative for ahead; null = without a timestamp. */
      readonly ago: number | null;
      readonly times: number;
      /** How the app's transaction around it ends, where the engine takes one; null = without. */
      readonly transaction: 'COMMIT' | 'ROLLBACK' | null;
    }
  | { readonly kind: 'report'; readonly process: number; readonly account: number | null }
  /** Time passes with the worker running. */
  | { readonly kind: 'pass'; readonly ms: number }
  /** Time passes with it, until just before or after the end of the account's billing period at Stripe. */
  | { readonly kind: 'pass_to_end'; readonly account: number; readonly offset: number }
  /** Time passes until after the end of the billing period, and usage from before it is recorded. */
  | { readonly kind: 'late'; readonly account: number; readonly offset: number; readonly before: number }
  /** Time passes while no worker runs. */
  | { readonly kind: 'skip'; readonly ms: number }
  | { readonly kind: 'link'; readonly account: number }
  | { readonly kind: 'plan'; readonly account: number; readonly plan: 'free' | 'pro' }
  | { readonly kind: 'subscribe'; readonly account: number; readonly trial_days: number | null }
  | { readonly kind: 'cancel'; readonly account: number }
  /** A second subscription, which replaces the first one after a while. */
  | { readonly kind: 'replace'; readonly account: number; readonly ms: number }
  /** Stripe fails some requests while the job runs and time passes. */
  | {
      readonly kind: 'fault';
      readonly fault: FaultKind;
      readonly on: 'meter_events' | 'anything';
      readonly times: number;
      readonly ms: number;
    }
  /** Reports seconds apart, which share a minute at Stripe, while it fails. */
  | {
      readonly kind: 'flurry';
      readonly account: number;
      readonly fault: FaultKind;
      readonly times: number;
      readonly quantities: readonly number[];
      readonly ms: number;
    }
  /** A request of the job is lost on its way and takes effect later. */
  | { readonly kind: 'delayed'; readonly ms: number }
  | { readonly kind: 'outage'; readonly ms: number }
  /** A worker hangs at its first report, before (`is_taken: false`) or after Stripe has taken it. */
  | { readonly kind: 'hang'; readonly account: number; readonly is_taken: boolean }
  /** The workers that hang hear from Stripe at last, and go on. */
  | { readonly kind: 'revive' }
  | { readonly kind: 'reopen'; readonly process: number };

const account = fc.nat({ max: 1 });
const process = fc.nat({ max: 1 });
const ms = (max: number) => fc.integer({ min: 1, max });
/** Seconds, hours, days or weeks. */
const duration = fc.oneof(ms(MINUTE), ms(2 * HOUR), ms(2 * DAY), ms(20 * DAY));
const ago = fc.oneof(
  ms(2_000),
  ms(HOUR),
  ms(3 * DAY),
  ms(35 * DAY),
  fc.integer({ min: -5 * MINUTE, max: 0 }),
);

const fault = fc.constantFrom<FaultKind>(
  '500_before',
  '500_after',
  'reset',
  'reset_after',
  '429',
  '409',
  'html_200',
);

const increment = fc.record({
  kind: fc.constant('increment' as const),
  account,
  process,
  quantity: fc.integer({ min: 1, max: 1_000 }),
  key: fc.option(fc.nat({ max: 3 }), { freq: 3 }),
  ago: fc.option(ago, { freq: 2 }),
  times: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 8 })),
  transaction: fc.constantFrom(null, null, null, 'COMMIT' as const, 'COMMIT' as const, 'ROLLBACK' as const),
});

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 8, arbitrary: increment },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('report' as const), process, account: fc.option(account) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: duration }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('pass_to_end' as const),
      account,
      offset: fc.oneof(fc.integer({ min: -2_000, max: 2_000 }), fc.integer({ min: 0, max: 2 * HOUR })),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('late' as const),
      account,
      offset: fc.oneof(
        fc.integer({ min: 0, max: 29 * MINUTE }),
        fc.integer({ min: 30 * MINUTE, max: 6 * HOUR }),
      ),
      before: fc.oneof(ms(2_000), ms(5 * DAY)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('skip' as const), ms: duration }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('link' as const), account }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('plan' as const),
      account,
      plan: fc.constantFrom('free' as const, 'pro' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('subscribe' as const),
      account,
      trial_days: fc.option(fc.integer({ min: 1, max: 14 }), { freq: 4, nil: null }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), account }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      fault,
      on: fc.constantFrom('meter_events' as const, 'anything' as const),
      times: fc.integer({ min: 1, max: 4 }),
      ms: ms(2 * HOUR),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('flurry' as const),
      account,
      fault,
      times: fc.integer({ min: 1, max: 4 }),
      quantities: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 4 }),
      ms: ms(20_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('replace' as const),
      account,
      ms: fc.oneof(ms(2_000), ms(2 * DAY)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delayed' as const), ms: ms(30 * HOUR) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('outage' as const), ms: ms(40 * HOUR) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('hang' as const), account, is_taken: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('revive' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const), process }) },
);

/** How the accounts begin: most of them pay, so that schedules are about money. */
const beginning = fc.constantFrom<readonly Action[]>(
  [],
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
);

export interface Schedule {
  /** Milliseconds past a second at which it begins, and the seed of Stripe's lags and the product's jitter. */
  readonly seed: number;
  readonly beginning: readonly Action[];
  readonly actions: readonly Action[];
}

export const schedule: fc.Arbitrary<Schedule> = fc.record({
  seed: fc.nat({ max: 1_000_000 }),
  beginning,
  actions: fc.array(action, { minLength: 3, maxLength: 24, size: 'max' }),
});
