import { accountSync } from '../core/account-sync.ts';
import { type BillingPeriod, billingPeriodAt } from '../core/billing-period.ts';
import type { BillingProvider, Failed } from '../core/billing-provider.ts';
import type { Environment, Instant } from '../core/environment.ts';
import { DAY_MS, formatInstant, MINUTE_MS, SECOND_MS } from '../core/instant.ts';
import type { Plans } from '../core/plan.ts';
import { type AccountWithItems, type ChangeChangeParams, type Store, timelineOf } from '../core/store.ts';
import {
  type BilledSubscription,
  type ChangeErrorCode,
  changeKeyOf,
  type ItemChange,
  itemChanges,
  offerOf,
  type SubscriptionChange,
  seatsItemOf,
  seatsOf,
} from '../core/subscription-change.ts';
import { Turns } from '../core/turns.ts';
import type { UsageReport } from '../core/usage-report.ts';
import { MAX_POSTPONED_MS } from './draft-invoices.ts';
import { waitsForChange } from './report-judge.ts';

export interface ChangeContext {
  readonly store: Store;
  /** null = Stripe is not configured: changes wait. */
  readonly provider: BillingProvider | null;
  readonly environment: Environment;
  readonly plans: Plans;
  /** The time at Stripe, as far as it is known to be behind our clock. */
  readonly stripeEarliest: () => Instant;
  /** Sends what is sealed of an account, and reads back what Stripe counted. */
  readonly flush: (account_id: string) => Promise<void>;
  /** Told of a change that failed for a mistake of our own; the others go on. */
  readonly onError: (error: unknown) => void;
}

/** Usage that Stripe does not count in so long is not waited for any more: the change is given up. */
const MAX_FLUSH_MS = DAY_MS;
/** Stripe did not answer in so long: the change is given up, unless it turns out to have been made. */
const MAX_APPLY_MS = DAY_MS;
const FIRST_RETRY_MS = 2 * SECOND_MS;
const MAX_RETRY_MS = MINUTE_MS;
const BATCH = 100;

/**
 * Changes subscriptions without losing usage: what was used until the request is sent, and proven, before Stripe is asked
 * to change the price; what is used afterwards waits until Stripe has, and is stamped then.
 */
export class ChangeCycle {
  readonly #context: ChangeContext;
  /** The worker and whoever waits for a change are at an account one after the other. */
  readonly #turns = new Turns();

  constructor(context: ChangeContext) {
    this.#context = context;
  }

  /** Goes on with the changes that are due. What fails delays nobody (I13). */
  async run(goOn: () => Promise<boolean>): Promise<void> {
    const changes = await this.#context.store.listDueChanges({ now: this.#now(), limit: BATCH });
    for (const change of changes) {
      if (!(await goOn())) return;
      try {
        await this.advance(change.account_id);
      } catch (error) {
        this.#context.onError(error);
        await this.#change(change, { due_at: this.#now() + MAX_RETRY_MS });
      }
    }
  }

  /** Goes on with the change of an account. @returns the change as it is then; null = there never was one. */
  async advance(account_id: string): Promise<SubscriptionChange | null> {
    const { store } = this.#context;
    await this.#turns.take(account_id, async () => {
      const change = await store.getLastChange({ account_id });
      if (change !== null && change.due_at !== null) await this.#advance(change);
    });
    return await store.getLastChange({ account_id });
  }

  async #advance(change: SubscriptionChange): Promise<void> {
    const { provider, store } = this.#context;
    const account = await store.getAccount({ account_id: change.account_id });
    if (!account) throw new Error('The account of a change is missing.');
    if (!provider) return await this.#wait(change, 'Stripe is not configured.');
    if (change.status === 'flushing' && !(await this.#isFlushed(change))) return;
    await this.#apply(change, provider);
  }

  /** Whether Stripe has counted what the old price bills; it is written down where it goes on. */
  async #isFlushed(change: SubscriptionChange): Promise<boolean> {
    const { store, flush } = this.#context;
    const { account_id, requested_at } = change;
    const isTooLate = this.#now() - requested_at >= MAX_FLUSH_MS;
    try {
      await flush(account_id);
    } catch (error) {
      if (!isTooLate) throw error;
      this.#context.onError(error);
    }
    const account = await store.getAccount({ account_id });
    const unproven = (await store.listUnfinishedReports({ account_id })).filter(
      (report) => account !== null && mustBeProven(report, account, change),
    );
    if (unproven.length === 0 && this.#isPast(change)) return true;
    if (isTooLate) {
      const last_error = `${describe(unproven)} is still not counted at Stripe after a day.`;
      await this.#fail(change, 'usage_unproven', last_error);
    } else if (unproven.length > 0) {
      await this.#wait(change, `Waits until Stripe has counted ${describe(unproven)}.`);
    } else {
      await this.#waitUntilPast(change);
    }
    return false;
  }

  /**
   * Whether the request is past at Stripe as well: what was used until then is stamped by our clock, and has to lie before
   * Stripe's change. A second more, so that nothing is stamped in the very second in which Stripe changes the price.
   */
  #isPast({ requested_at }: SubscriptionChange): boolean {
    return this.#context.stripeEarliest() >= requested_at + SECOND_MS;
  }

  async #waitUntilPast(change: SubscriptionChange): Promise<void> {
    const isPastHere = this.#now() >= change.requested_at + SECOND_MS;
    await this.#wait(change, isPastHere ? 'By Stripe’s clock it is not requested yet.' : null);
  }

  async #apply(change: SubscriptionChange, provider: BillingProvider): Promise<void> {
    const { stripe_subscription } = change;
    const read = await provider.readSubscription({ stripe_subscription });
    if (read.outcome !== 'read') return await this.#conclude(change, read);
    if (isMade(change, read.subscription, this.#keyOf(change))) {
      return await this.#complete(change, read.subscription, provider);
    }
    if (read.subscription.ended_at !== null) {
      return await this.#fail(change, 'subscription_not_found', 'The subscription has ended meanwhile.');
    }
    if (read.subscription.is_collection_paused) return await this.#concludePaused(change);
    // A process that has just started has heard Stripe's time only now.
    if (change.status === 'flushing' && !this.#isPast(change)) return await this.#waitUntilPast(change);
    const items = change.kind === 'cancel' ? [] : await this.#itemsOf(change, read.subscription, provider);
    if ('outcome' in items) return await this.#conclude(change, items);
    if (change.kind !== 'cancel' && items.length === 0) {
      return await this.#complete(change, read.subscription, provider);
    }
    const attempt = change.attempts + 1;
    const intent = { status: 'applying', attempts: attempt, due_at: this.#now() + MINUTE_MS } as const;
    if (!(await this.#change(change, intent))) return; // another worker was faster
    const asked = { ...change, ...intent };
    const params = { stripe_subscription, change_key: this.#keyOf(change), attempt: attemptOf(asked, items) };
    const result =
      change.kind === 'cancel'
        ? await provider.cancelSubscription(params)
        : await provider.changeSubscription({
            ...params,
            items,
            plan: change.plan,
            proration_date: prorationDateOf(change, read.subscription),
          });
    if (result.outcome === 'changed') return await this.#complete(asked, result.subscription, provider);
    // An earlier attempt may have made it, which is why this one is refused.
    if (result.outcome === 'refused' && attempt > 1) {
      const again = await provider.readSubscription({ stripe_subscription });
      if (again.outcome !== 'read') return await this.#wait(asked, again.message);
      if (isMade(change, again.subscription, this.#keyOf(change))) {
        return await this.#complete(asked, again.subscription, provider);
      }
    }
    const isKept = result.outcome === 'unknown' && result.is_kept === true;
    await this.#conclude({ ...asked, kept_failures: asked.kept_failures + (isKept ? 1 : 0) }, result);
  }

  async #itemsOf(
    { plan, interval, seats, attempts }: SubscriptionChange,
    subscription: BilledSubscription,
    provider: BillingProvider,
  ): Promise<readonly ItemChange[] | Failed> {
    const { plans } = this.#context;
    const target = plan === null ? undefined : plans[plan];
    if (interval === null) {
      const item = seatsItemOf(subscription.items, plans);
      if (!item || seats === null) return refused('The subscription bills no seats any more.');
      // A request that is still on its way would set them again later: it is repeated, so that it has had its effect.
      const isSet = item.quantity === seats && attempts === 0;
      return isSet ? [] : [{ set: item.stripe_subscription_item, quantity: seats }];
    }
    if (!target) return refused(`The plan ${plan} is not configured any more.`);
    const { metered, licensed } = offerOf(target, interval);
    const found = await provider.findPrices({ references: [...metered, ...licensed] });
    if (found.outcome !== 'read') return found;
    const quantities = [...metered.map(() => null), ...licensed.map(({ quantity }) => quantity)];
    const offered = found.prices.flatMap((price, index) =>
      price ? [{ stripe_price: price.stripe_price, quantity: quantities[index] ?? null }] : [],
    );
    if (offered.length < found.prices.length)
      return refused(`Stripe has no active price for the plan ${plan}.`);
    return itemChanges(subscription, offered, plans, seats ?? seatsOf(subscription, plans));
  }

  async #complete(
    change: SubscriptionChange,
    { ended_at, items }: BilledSubscription,
    provider: BillingProvider,
  ): Promise<void> {
    const { store } = this.#context;
    const { account_id, change_id } = change;
    const account = await store.getAccount({ account_id });
    const stripe_customer = account?.account.stripe_customer ?? null;
    if (stripe_customer === null)
      return await this.#fail(
        change,
        'stripe_customer_deleted',
        'The account is linked to no customer any more.',
      );
    const read = await provider.listSubscriptionItems({ stripe_customer });
    if (read.outcome !== 'read') return await this.#wait(change, read.message);
    const added = change.kind === 'cancel' ? [] : items.map(({ created_at }) => created_at);
    const created = added.filter((at) => at >= change.requested_at);
    const now = this.#now();
    const { account_id: _, ...sync } = accountSync({
      account_id,
      stripe_customer,
      read,
      plans: this.#context.plans,
      now,
    });
    await store.completeChange({
      ...sync,
      change: { account_id, change_id },
      // What a change has added tells since when it bills, also where the subscription has ended since.
      changed_at: created.length > 0 ? Math.max(...created) : (ended_at ?? now),
    });
  }

  /** A request that is on its way may still be made; nothing new is asked for. */
  async #concludePaused(change: SubscriptionChange): Promise<void> {
    const message = 'The collection of payments is paused.';
    if (change.attempts === 0) await this.#fail(change, 'collection_paused', message);
    else await this.#conclude(change, { outcome: 'unknown', message, retry_after_ms: null });
  }

  /** What Stripe refuses is given up; what it does not answer is asked again. */
  async #conclude(change: SubscriptionChange, failure: Failed): Promise<void> {
    if (failure.outcome === 'refused') return await this.#fail(change, failure.code, failure.message);
    if (this.#now() - change.requested_at >= MAX_FLUSH_MS + MAX_APPLY_MS) {
      return await this.#fail(change, 'stripe_unavailable', failure.message);
    }
    await this.#wait(change, failure.message, failure.retry_after_ms ?? 0);
  }

  async #fail(change: SubscriptionChange, error_code: ChangeErrorCode, last_error: string): Promise<void> {
    const isOurs = await this.#change(change, { status: 'failed', due_at: null, error_code, last_error });
    const { account_id: account, change_id, kind } = change;
    const fields = { alarm: 'change_failed', account, change: change_id, kind, last_error };
    if (isOurs) this.#context.environment.logger.error(fields, 'A change of a subscription failed');
  }

  async #wait(change: SubscriptionChange, last_error: string | null, asked_ms = 0): Promise<void> {
    const now = this.#now();
    const waited = (now - change.requested_at) / 4;
    const wait_ms = Math.ceil(Math.max(asked_ms, Math.min(MAX_RETRY_MS, Math.max(FIRST_RETRY_MS, waited))));
    const { kept_failures } = change;
    await this.#change(change, { due_at: now + wait_ms, last_error, kept_failures });
  }

  async #change(change: SubscriptionChange, changes: ChangeChangeParams['changes']): Promise<boolean> {
    const { status: from, attempts } = change;
    return await this.#context.store.changeChange({ change, from, attempts, changes });
  }

  #keyOf(change: SubscriptionChange): string {
    return changeKeyOf(change, (text) => this.#context.environment.digest(text));
  }

  #now(): Instant {
    return this.#context.environment.clock.now();
  }
}

/**
 * A number of seats is set, and a price is added, also by a request that Stripe did not answer and that arrives after a
 * later change, which it undoes. Such a request is therefore repeated under its own idempotency key, so that it has no
 * effect any more once the change is made. Where an item is removed, a second request finds nothing to remove, and a
 * subscription ends once.
 */
function attemptOf(
  { kind, attempts, kept_failures }: SubscriptionChange,
  items: readonly ItemChange[],
): number {
  const canHappenTwice = kind !== 'cancel' && !items.some((item) => 'remove' in item);
  return canHappenTwice ? kept_failures + 1 : attempts;
}

/** null where a period has begun meanwhile: Stripe refuses a date before it. */
function prorationDateOf({ proration_date }: SubscriptionChange, { items }: BilledSubscription) {
  const isWithin = items.every(
    ({ current_period_start }) => proration_date !== null && current_period_start <= proration_date,
  );
  return isWithin ? proration_date : null;
}

function isMade(change: SubscriptionChange, subscription: BilledSubscription, key: string): boolean {
  return change.kind === 'cancel' ? subscription.ended_at !== null : subscription.change_key === key;
}

/** Whether the price that a change takes away bills a report, which therefore comes first. */
function mustBeProven(
  report: UsageReport,
  account: AccountWithItems,
  { stripe_subscription, requested_at }: SubscriptionChange,
): boolean {
  if (waitsForChange(report, account) || isPastBilling(report, requested_at)) return false;
  const period: BillingPeriod = billingPeriodAt(
    timelineOf(account, report.meter),
    report.billing_period_start,
  );
  return (
    period.billed_by === 'paid' &&
    period.items.some((item) => item.stripe_subscription === stripe_subscription)
  );
}

/** Whether the invoice of a report is final, and nothing moves the report to a later one: no change decides of its price. */
function isPastBilling({ billing_period_end, status, slot }: UsageReport, requested_at: Instant): boolean {
  return billing_period_end + MAX_POSTPONED_MS <= requested_at && (status === 'held' || slot !== null);
}

function describe(reports: readonly UsageReport[]): string {
  const [first] = reports;
  if (!first) return 'the usage';
  const until = formatInstant(first.period_end ?? first.period_start);
  const others = reports.length === 1 ? '' : ` and ${reports.length - 1} more`;
  return `report ${first.report_id} of ${first.meter} until ${until} (${first.status}${first.reason === null ? '' : `, ${first.reason}`})${others}`;
}

function refused(message: string): Failed {
  return { outcome: 'refused', code: 'stripe_refused', message };
}
