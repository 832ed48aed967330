import { createHmac } from 'node:crypto';
import type { Clock } from '../../core/environment.ts';
import { deliveredView } from './event-api.ts';
import type { DeliveryRecord, EventRecord } from './records.ts';
import type { Simulation } from './simulation.ts';

/** Where the simulator sends events, signed as Stripe signs them. */
export interface WebhookOptions {
  /** Answers as the app's endpoint does, such as `(request) => usage.webhook(request)`; or the endpoint's URL. */
  readonly deliver: ((request: Request) => Promise<Response>) | string;
  /** Signs snapshot events: `whsec_…`. */
  readonly secret: string;
  /** Signs thin events, whose endpoint has a secret of its own. Default: there is no such endpoint. */
  readonly thin_secret?: string;
}

/** What became of one attempt to deliver an event. */
export interface WebhookAttempt {
  readonly event: string;
  readonly type: string;
  /** From 1. */
  readonly attempt: number;
  /** null: the endpoint did not answer. */
  readonly status: number | null;
  /** The simulator's clock. */
  readonly at_ms: number;
}

const IN_PROCESS_URL = 'https://app.example/webhooks/stripe';
const ANSWER_TIMEOUT_MS = 10_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Stripe goes on for three days in live mode (docs.stripe.com/webhooks#retries). */
const RETRIED_FOR_MS = 72 * HOUR_MS;
const LONGEST_RETRY_MS = 12 * HOUR_MS;
const ATTEMPT_LOG_LENGTH = 10_000;
/** More deliveries in one call than this is an endpoint that causes new events without end. */
const MAX_DELIVERIES = 1_000_000;

/** Delivers the events that are due, one after the other. */
export class WebhookSender {
  readonly #simulation: Simulation;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #options: WebhookOptions;
  readonly #save: () => void;
  readonly #attempts: WebhookAttempt[] = [];
  #running: Promise<void> = Promise.resolve();

  constructor(simulation: Simulation, clock: Pick<Clock, 'now'>, options: WebhookOptions, save: () => void) {
    this.#simulation = simulation;
    this.#clock = clock;
    this.#options = options;
    this.#save = save;
  }

  /** Calls follow each other, so that the order of deliveries is that of their time. */
  deliverDue(): Promise<void> {
    const run = this.#running.then(() => this.#deliverAll());
    this.#running = run.catch(() => {});
    return run;
  }

  attempts(): readonly WebhookAttempt[] {
    return [...this.#attempts];
  }

  async #deliverAll(): Promise<void> {
    for (let count = 0; count < MAX_DELIVERIES; count += 1) {
      const delivery = this.#simulation.nextDelivery(this.#clock.now());
      if (!delivery) return;
      const event = this.#simulation.state.events.get(delivery.event);
      if (event) await this.#attempt(delivery, event);
      else this.#simulation.forgetDelivery(delivery);
      this.#save();
    }
    throw new Error(`After ${MAX_DELIVERIES} deliveries there are still events due.`);
  }

  async #attempt(delivery: DeliveryRecord, event: EventRecord): Promise<void> {
    const at_ms = this.#clock.now();
    const attempt = delivery.attempts + 1;
    const status = await this.#send(event, at_ms);
    if (this.#attempts.length >= ATTEMPT_LOG_LENGTH) this.#attempts.shift();
    this.#attempts.push({ event: event.id, type: event.type, attempt, status, at_ms });
    const first_at_ms = delivery.first_at_ms ?? at_ms;
    const due_at_ms = at_ms + Math.min(LONGEST_RETRY_MS, MINUTE_MS * 4 ** (attempt - 1));
    const isAccepted = status !== null && status >= 200 && status < 300;
    if (isAccepted || due_at_ms - first_at_ms > RETRIED_FOR_MS) this.#simulation.forgetDelivery(delivery);
    else this.#simulation.expectDelivery({ ...delivery, attempts: attempt, first_at_ms, due_at_ms });
  }

  async #send(event: EventRecord, at_ms: number): Promise<number | null> {
    const { deliver, secret, thin_secret } = this.#options;
    const body = JSON.stringify(deliveredView(this.#simulation, event), null, 2);
    const signing = event.content.style === 'thin' ? (thin_secret ?? secret) : secret;
    const init = {
      method: 'POST',
      body,
      headers: {
        'Content-Type': 'application/json; charset=utf-8',
        'Stripe-Signature': signature(body, signing, at_ms),
      },
    };
    try {
      const response =
        typeof deliver === 'string'
          ? await fetch(deliver, {
              ...init,
              redirect: 'manual',
              signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
            })
          : await deliver(new Request(IN_PROCESS_URL, init));
      await response.body?.cancel();
      return response.status;
    } catch {
      return null; // Whatever went wrong at the endpoint, Stripe only sees that no answer came.
    }
  }
}

/** The header `Stripe-Signature` (docs.stripe.com/webhooks#verify-manually). */
function signature(body: string, secret: string, at_ms: number): string {
  const timestamp = Math.floor(at_ms / 1000);
  const hmac = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return `t=${timestamp},v1=${hmac}`;
}
