import type { Clock, Instant } from '../core/environment.ts';
import { HOUR_MS, SECOND_MS } from '../core/instant.ts';
import type { Connect } from './stripe-connection.ts';

/** A meter as Stripe has it. */
export interface StripeMeter {
  readonly id: string;
  readonly event_name: string;
  /** Payload key of the customer, usually `stripe_customer_id`. */
  readonly customer_key: string;
  /** Payload key of the quantity, usually `value`. */
  readonly value_key: string;
}

/** A Stripe account has a handful of meters; reading on past this would be a loop. */
const MAX_METERS = 1_000;

/** A meter that Stripe does not have is looked for this often, whatever number of accounts asks for it. */
const MISSING_FOR_MS = 10 * SECOND_MS;

/**
 * Of a meter at Stripe only the display name can change. It can be deactivated though, and another one of its event name be made,
 * of which nothing that is asked about the old one tells.
 */
const KNOWN_FOR_MS = HOUR_MS;

/** The configured meters at Stripe, as they were read within the hour. */
export class StripeMeters {
  readonly #connect: Connect;
  readonly #eventNames: ReadonlyMap<string, string>;
  readonly #clock: Clock;
  #known: ReadonlyMap<string, StripeMeter> = new Map();
  /** Event names of all meters by id, also of those whose place another one has taken. */
  #eventNamesOf: ReadonlyMap<string, string> = new Map();
  #readAt: Instant = Number.NEGATIVE_INFINITY;
  /** Whoever misses a meter while they are being read waits for the same answer. */
  #reading: Promise<void> | null = null;

  constructor(connect: Connect, eventNames: ReadonlyMap<string, string>, clock: Clock) {
    this.#connect = connect;
    this.#eventNames = eventNames;
    this.#clock = clock;
  }

  /** @throws Error when Stripe has no meter of that event name, or does not answer. */
  async get(name: string): Promise<StripeMeter> {
    const event_name = this.#eventNames.get(name) ?? name;
    if (this.#isOld() || !this.#known.has(event_name)) await this.#read();
    const meter = this.#known.get(event_name);
    if (!meter) throw new Error(`Stripe has no meter with the event name ${JSON.stringify(event_name)}.`);
    return meter;
  }

  /** `event_name` of a Stripe meter; null when there is no such meter. */
  async eventNameOf(id: string): Promise<string | null> {
    const find = () => [...this.#known.values()].find((meter) => meter.id === id);
    if (this.#isOld() || !find()) await this.#read();
    return find()?.event_name ?? null;
  }

  /** Our name of a Stripe meter, active or not, that something is subscribed to; null when it is not configured. */
  async nameOf(id: string): Promise<string | null> {
    if (this.#isOld() || !this.#eventNamesOf.has(id)) await this.#read();
    const event_name = this.#eventNamesOf.get(id);
    for (const [name, configured] of this.#eventNames) if (configured === event_name) return name;
    return null;
  }

  #isOld(): boolean {
    return this.#clock.now() - this.#readAt >= KNOWN_FOR_MS;
  }

  async #read(): Promise<void> {
    if (this.#clock.now() - this.#readAt < MISSING_FOR_MS) return;
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = null;
    });
    await this.#reading;
  }

  async #readAll(): Promise<void> {
    const stripe = await this.#connect();
    const known = new Map<string, StripeMeter>();
    const all = await stripe.billing.meters.list({ limit: 100 }).autoPagingToArray({ limit: MAX_METERS });
    const meters = [
      ...all.filter(({ status }) => status !== 'active').reverse(),
      ...all.filter(({ status }) => status === 'active'),
    ];
    // One that was deactivated still tells what it has counted; an active one of the same name takes its place.
    for (const { id, event_name, customer_mapping, value_settings } of meters) {
      const { event_payload_key: customer_key } = customer_mapping;
      known.set(event_name, { id, event_name, customer_key, value_key: value_settings.event_payload_key });
    }
    this.#known = known;
    this.#eventNamesOf = new Map(meters.map(({ id, event_name }) => [id, event_name]));
    this.#readAt = this.#clock.now();
  }
}
