import type { FaultKind } from '../../../src/testing/stripe-simulator/faults.ts';
import type { PaidPlan, PlanName } from '../catalogue.ts';

/** What Stripe, or what lies between, does to a request. A `reset` may take effect later. */
export type RequestFault = Exclude<FaultKind, 'hang' | 'reject_async' | '403'>;

/** Which requests a fault hits. */
export type FaultPlace = 'meter_events' | 'summaries' | 'subscriptions' | 'anything';

/** Which labelled points of a process count until it dies. */
export type CrashPlace = 'anywhere' | 'recording' | 'changing' | 'sending';

export interface Increment {
  readonly account: number;
  readonly process: number;
  readonly quantity: number;
  /** null = without a key. */
  readonly key: number | null;
  /** Milliseconds before now; null = without a timestamp. */
  readonly ago: number | null;
}

/** One step of a schedule. `account` and `process` count from 0; steps that make no sense yet do nothing. */
export type Action =
  | ({ readonly kind: 'increment' } & Increment)
  | {
      readonly kind: 'subscribe';
      readonly account: number;
      readonly plan: PaidPlan;
      readonly seats: number;
      readonly trial_days: number | null;
    }
  /** `seats` null = as many as before. */
  | {
      readonly kind: 'change';
      readonly account: number;
      readonly process: number;
      readonly plan: PlanName;
      readonly seats: number | null;
    }
  /** `set` makes it so many seats, `add` so many more, or fewer. */
  | {
      readonly kind: 'seats';
      readonly how: 'set' | 'add';
      readonly account: number;
      readonly process: number;
      readonly seats: number;
    }
  /** So many join in each process at the same time, while a worker runs. */
  | { readonly kind: 'join'; readonly account: number; readonly seats: number }
  /** Payments are not collected until they are again (`resume`). */
  | { readonly kind: 'pause'; readonly account: number; readonly process: number }
  | {
      readonly kind: 'cancel';
      readonly account: number;
      readonly process: number;
      readonly when: 'now' | 'period_end';
    }
  | { readonly kind: 'resume'; readonly account: number; readonly process: number }
  /** Somebody moves the end of the trial at Stripe; null = to now. */
  | { readonly kind: 'move_trial'; readonly account: number; readonly ms: number | null }
  /** A change is asked for while both processes record and both workers run. */
  | {
      readonly kind: 'race';
      readonly account: number;
      readonly plan: PaidPlan;
      readonly quantities: readonly number[];
    }
  | { readonly kind: 'report'; readonly process: number }
  /** Time passes with the workers running. */
  | { readonly kind: 'pass'; readonly ms: number }
  /** Time passes with them, until shortly before or after the end of the account's billing period. */
  | { readonly kind: 'pass_to_end'; readonly account: number; readonly offset: number }
  /** Time passes while no worker runs. */
  | { readonly kind: 'skip'; readonly ms: number }
  /** Stripe fails some requests, from now on. */
  | {
      readonly kind: 'fault';
      readonly fault: RequestFault;
      readonly on: FaultPlace;
      readonly times: number;
      readonly retry_after_s: number;
      /** When a request that met a `reset` takes effect nevertheless; null = never. */
      readonly effect_after_ms: number | null;
    }
  /** Stripe answers nothing while time passes. */
  | { readonly kind: 'outage'; readonly ms: number }
  /** A process dies at the so-and-so-manieth labelled point from here, and another takes its place. */
  | {
      readonly kind: 'crash';
      readonly process: number;
      readonly points: number;
      readonly at: CrashPlace;
    }
  | { readonly kind: 'reopen'; readonly process: number };

/** Everything that a seed decides before it begins. */
export interface Schedule {
  readonly seed: number;
  /** Where time begins. */
  readonly start: number;
  /** `worker_schedule.usage`. */
  readonly cron: string;
  /** Most minutes that Stripe takes to count. */
  readonly lag_minutes: number;
  /** Whether Stripe's events reach the app. */
  readonly with_webhooks: boolean;
  /** How long calls wait for their change. */
  readonly verify_timeout_ms: number;
  readonly actions: readonly Action[];
}
