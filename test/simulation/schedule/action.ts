import type { FaultKind } from '../../../src/testing/stripe-simulator/faults.ts';

/** What Stripe, or what lies between, does to a request. `hang` is simulated by a process that stalls. */
export type RequestFault = Exclude<FaultKind, 'hang' | 'reject_async'>;

export interface Increment {
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

/** One step of a schedule. `account` and `process` count from 0. */
export type Action =
  | ({ readonly kind: 'increment' } & Increment)
  | { readonly kind: 'report'; readonly process: number; readonly account: number | null }
  /** Time passes with the workers running. */
  | { readonly kind: 'pass'; readonly ms: number }
  /** Time passes with them, until just before or after the end of the account's billing period at Stripe. */
  | { readonly kind: 'pass_to_end'; readonly account: number; readonly offset: number }
  /** Time passes until after the end of the billing period, and usage from before it is recorded. */
  | { readonly kind: 'late'; readonly account: number; readonly offset: number; readonly before: number }
  /** Time passes while no worker runs. */
  | { readonly kind: 'skip'; readonly ms: number }
  | { readonly kind: 'link'; readonly account: number }
  | { readonly kind: 'plan'; readonly account: number; readonly plan: 'free' | 'pro' }
  | { readonly kind: 'subscribe'; readonly account: number; readonly trial_days: number | null }
  /** Ends the account's trial after so long, 0 = at once; without a trial, nothing. */
  | { readonly kind: 'move_trial'; readonly account: number; readonly ms: number }
  | { readonly kind: 'cancel'; readonly account: number }
  /** A second subscription, which replaces the first one after a while: meanwhile two prices are on the meter. */
  | { readonly kind: 'replace'; readonly account: number; readonly ms: number }
  /** Stripe fails some requests while the job runs and time passes. */
  | {
      readonly kind: 'fault';
      readonly fault: RequestFault;
      readonly on: 'meter_events' | 'anything';
      readonly times: number;
      readonly retry_after_s: number;
      readonly ms: number;
    }
  /** Reports seconds apart, which share a minute at Stripe, while it fails. */
  | {
      readonly kind: 'flurry';
      readonly account: number;
      readonly fault: RequestFault;
      readonly times: number;
      readonly quantities: readonly number[];
      readonly ms: number;
    }
  /** A request of the job is lost on its way and takes effect later. */
  | { readonly kind: 'delayed'; readonly ms: number }
  | { readonly kind: 'outage'; readonly ms: number }
  /** A process dies at the so-and-so-manieth labelled point from here, whenever that is. */
  | { readonly kind: 'crash'; readonly process: number; readonly points: number; readonly at: Place }
  /** A worker stands still at a labelled point of its run, past its lease. */
  | { readonly kind: 'stall'; readonly account: number | null; readonly points: number; readonly at: Place }
  /** The workers that stand still go on. */
  | { readonly kind: 'revive' }
  /** Both processes, and increments of both, at the same time. */
  | { readonly kind: 'race'; readonly account: number; readonly quantities: readonly number[] }
  | { readonly kind: 'reopen'; readonly process: number }
  /** The process starts again on a machine whose clock is wrong. */
  | { readonly kind: 'skew'; readonly process: number; readonly ms: number }
  /** The storage fails for one account and no other. */
  | { readonly kind: 'poison'; readonly account: number; readonly times: number }
  | { readonly kind: 'backup' }
  /** The database is as it was at the last backup. */
  | { readonly kind: 'restore' }
  /** Somebody else sends to our meter. */
  | { readonly kind: 'foreign'; readonly account: number; readonly quantity: number; readonly ago: number }
  /** Stripe accepts reports and rejects them when it would count them. */
  | { readonly kind: 'reject_async'; readonly times: number; readonly ms: number }
  | { readonly kind: 'delete_customer'; readonly account: number };

/** Which labelled points a fate counts. */
export type Place = 'anywhere' | 'sending' | 'recording' | 'closing';

/** Everything that a seed decides before it begins. */
export interface Schedule {
  readonly seed: number;
  /** Where time begins. */
  readonly start: number;
  /** `worker_schedule.usage`. */
  readonly cron: string;
  /** Most minutes that Stripe takes to count. */
  readonly lag_minutes: number;
  readonly actions: readonly Action[];
  /** How Stripe's events reach the app: `none`, it has no endpoint; `unreliable`, they are lost, doubled, late and out of order. */
  readonly events: 'none' | 'reliable' | 'unreliable';
}
