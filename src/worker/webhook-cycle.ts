import type { BillingProvider, Unavailable } from '../core/billing-provider.ts';
import type { Environment, Instant } from '../core/environment.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../core/instant.ts';
import type { Store } from '../core/store.ts';
import { type WebhookEvent, webhookTaskOf } from '../core/webhook-event.ts';

export interface WebhookContext {
  readonly store: Store;
  /** null = Stripe is not configured: events wait. */
  readonly provider: BillingProvider | null;
  readonly environment: Environment;
  /** Told of an event that failed; the others go on. */
  readonly onError: (error: unknown) => void;
  /** Called before each batch; false = another worker has taken over, stop. */
  readonly keepLease: () => Promise<boolean>;
}

/** Events handled between two looks at the lease, and accounts made due in one transaction. */
const BATCH = 200;
/** More batches in one run wait for the next: reports come in between. */
const MAX_BATCHES = 500;
const FIRST_RETRY_MS = MINUTE_MS;
const MAX_RETRY_MS = HOUR_MS;
/** An event that failed so often waits for a person. */
const MAX_ATTEMPTS = 8;
/** Stripe gives events out for 30 days: until then one is asked for again while Stripe does not answer. */
const MAX_WAIT_MS = 29 * DAY_MS;
const NOT_CONFIGURED: Unavailable = {
  outcome: 'unknown',
  message: 'Stripe is not configured.',
  retry_after_ms: HOUR_MS,
};

/** Handles the events that Stripe sent: what they are about is read from Stripe, not from them (I17). */
export class WebhookCycle {
  readonly #context: WebhookContext;

  constructor(context: WebhookContext) {
    this.#context = context;
  }

  /** Handles what is due. What fails is due again later and delays nobody (I13). */
  async run(): Promise<void> {
    const { store, keepLease } = this.#context;
    let silence: Unavailable | null = null;
    for (let batches = 0; batches < MAX_BATCHES; batches += 1) {
      const events = await store.listDueWebhookEvents({ now: this.#now(), limit: BATCH });
      if (events.length === 0 || !(await keepLease())) return;
      const toSync = events.filter(({ type }) => webhookTaskOf(type) === 'sync');
      if (toSync.length > 0) await store.syncWebhookCustomers({ events: toSync, now: this.#now() });
      for (const event of events) {
        if (webhookTaskOf(event.type) === 'sync') continue;
        silence = await this.#handleAlone(event, silence);
      }
    }
  }

  #now(): Instant {
    return this.#context.environment.clock.now();
  }

  /** @param silence once Stripe has not answered, the other events of this run do not ask it again. */
  async #handleAlone(event: WebhookEvent, silence: Unavailable | null): Promise<Unavailable | null> {
    try {
      const unavailable = await this.#handle(event, silence);
      if (unavailable) await this.#waitForStripe(event, unavailable);
      return unavailable ?? silence;
    } catch (error) {
      await this.#fail(event, error);
      return silence;
    }
  }

  /** @returns why Stripe could not be asked; null = the event is handled. @throws what the event itself is at fault for. */
  async #handle(event: WebhookEvent, silence: Unavailable | null): Promise<Unavailable | null> {
    switch (webhookTaskOf(event.type)) {
      case 'meter_errors':
        return silence ?? (await this.#noteMeterErrors(event));
      case 'link':
        return await this.#link(event, silence);
      case 'meter_deactivated':
        this.#context.environment.logger.error(
          { stripe_meter: event.object_id, event: event.event_id },
          'A meter was deactivated at Stripe: reports to it are refused',
        );
        break;
      default:
        break; // of a version that knew more types than this one
    }
    await this.#markHandled(event);
    return null;
  }

  /** An event about a customer that no account has says where to look; whose it is, Stripe says. */
  async #link(event: WebhookEvent, silence: Unavailable | null): Promise<Unavailable | null> {
    const { stripe_customer, object_id } = event;
    const { store } = this.#context;
    const isLinked = stripe_customer === null || (await store.findAccount({ stripe_customer })) !== null;
    if (!isLinked && object_id !== null) {
      const unavailable = silence ?? (await this.#linkOwner(object_id));
      if (unavailable) return unavailable;
    }
    await store.syncWebhookCustomers({ events: [event], now: this.#now() });
    return null;
  }

  async #linkOwner(object_id: string): Promise<Unavailable | null> {
    const { provider, store, environment } = this.#context;
    if (!provider) return NOT_CONFIGURED;
    const read = await provider.readOwner({ object_id });
    if (read.outcome === 'unknown') return read;
    if (read.outcome === 'refused') throw new Error(read.message);
    const { account_id, stripe_customer } = read;
    // An account that nobody knows is of another installation on the same Stripe account.
    if (account_id === null || stripe_customer === null || !(await store.getAccount({ account_id })))
      return null;
    const linked = await store.linkAccount({ account_id, stripe_customer, now: this.#now() });
    if (linked.stripe_customer !== stripe_customer) {
      environment.logger.error(
        { account: account_id, stripe_customer, linked_to: linked.stripe_customer, alarm: 'other_customer' },
        'Another customer than the one of the account was subscribed in its name: nothing of it is billed',
      );
    }
    return null;
  }

  async #noteMeterErrors(event: WebhookEvent): Promise<Unavailable | null> {
    const { provider, store, environment } = this.#context;
    if (!provider) return NOT_CONFIGURED;
    const read = await provider.readMeterErrors({ event_id: event.event_id });
    if (read.outcome === 'unknown') return read;
    if (read.outcome === 'refused') throw new Error(read.message);
    const { errors } = read;
    const { noted } = await store.noteMeterErrors({ errors, now: this.#now() });
    const codes = [...new Set(errors.samples.map(({ code }) => code))];
    environment.logger.error(
      { event: event.event_id, error_count: errors.error_count, codes, reports: noted },
      'Stripe rejected usage that it had accepted',
    );
    await this.#markHandled(event);
    return null;
  }

  async #markHandled({ event_id, attempts }: WebhookEvent): Promise<void> {
    const changes = { status: 'handled', due_at: null, handled_at: this.#now(), last_error: null } as const;
    await this.#context.store.changeWebhookEvent({ event_id, attempts, changes });
  }

  /** While Stripe does not answer nothing is wrong with the event: it waits as long as Stripe has it. */
  async #waitForStripe(event: WebhookEvent, { message, retry_after_ms }: Unavailable): Promise<void> {
    const { event_id, attempts, received_at } = event;
    if (this.#now() - received_at >= MAX_WAIT_MS) return await this.#park(event, message, attempts);
    const due_at = this.#retryAt(event, retry_after_ms ?? 0);
    const changes = { due_at, last_error: message };
    await this.#context.store.changeWebhookEvent({ event_id, attempts, changes });
  }

  async #fail(event: WebhookEvent, error: unknown): Promise<void> {
    const { store, onError } = this.#context;
    const { event_id } = event;
    const message = error instanceof Error ? error.message : String(error);
    const attempts = event.attempts + 1;
    onError(error);
    if (attempts >= MAX_ATTEMPTS) return await this.#park(event, message, attempts);
    const changes = { attempts, due_at: this.#retryAt(event, 0), last_error: message };
    await store.changeWebhookEvent({ event_id, attempts: event.attempts, changes });
  }

  async #park(event: WebhookEvent, last_error: string, attempts: number): Promise<void> {
    const { store, environment } = this.#context;
    const changes = { status: 'parked', attempts, due_at: null, last_error } as const;
    await store.changeWebhookEvent({ event_id: event.event_id, attempts: event.attempts, changes });
    environment.logger.error(
      { event: event.event_id, type: event.type, last_error },
      'An event of Stripe’s failed too often and waits for a person',
    );
  }

  /** Waits as long again as it has waited already, with jitter. */
  #retryAt({ received_at }: WebhookEvent, asked_ms: number): Instant {
    const now = this.#now();
    const doubled = Math.min(MAX_RETRY_MS, Math.max(FIRST_RETRY_MS, now - received_at));
    const jittered = doubled * (0.5 + this.#context.environment.random() / 2);
    return Math.ceil(now + Math.max(jittered, asked_ms));
  }
}
