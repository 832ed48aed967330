import type { Stripe } from 'stripe';
import type { Environment } from '../core/environment.ts';
import { SECOND_MS } from '../core/instant.ts';
import type { WebhookEventStore } from '../core/webhook-event.ts';
import { webhookTaskOf } from '../core/webhook-event.ts';
import { BodyTooLargeError, readBody } from './request-body.ts';
import { parseStripeEvent } from './stripe-event.ts';

export interface WebhookReceiverOptions {
  readonly store: Pick<WebhookEventStore, 'receiveWebhookEvent'>;
  /** Opens the official SDK, which verifies signatures. Nothing is asked of Stripe. */
  readonly connect: () => Promise<Stripe>;
  readonly environment: Pick<Environment, 'clock' | 'logger'>;
  /** Any of them may have signed an event: endpoints have their own, and a rotated one overlaps with the next. */
  readonly secrets: readonly string[];
  /** Mode of the API key: events of the other mode are refused. */
  readonly livemode: boolean;
  /** Told why a request was answered with a 500. */
  readonly onError: (error: unknown) => void;
}

/** Stripe's own tolerance (docs.stripe.com/webhooks#replay-attacks). */
const TOLERANCE_S = 300;
const MAX_BODY_BYTES = 1_048_576;
const BODY_TIMEOUT_MS = 10 * SECOND_MS;
/** Anybody can send the beginning of a body. From so many on, the one that has taken longest is given up for a new one. */
const MAX_UNVERIFIED_BODIES = 64;
/** Stripe has a schedule of its own; this is for whoever stands between. */
const RETRY_AFTER_S = 60;

/**
 * Answers Stripe's webhooks: verifies, stores, and leaves the rest to the worker, so that the answer never waits for
 * Stripe. Never rejects. 2xx only when the event is durable or asks for nothing.
 */
export function createWebhookReceiver(
  options: WebhookReceiverOptions,
): (request: Request) => Promise<Response> {
  /** What ends the reading of each body, in the order in which it began. */
  const reading = new Set<AbortController>();
  return async (request) => {
    try {
      return await receive(options, request, reading);
    } catch (error) {
      options.onError(error);
      return answer(500, 'The event could not be stored; send it again.');
    }
  };
}

async function receive(
  options: WebhookReceiverOptions,
  request: Request,
  reading: Set<AbortController>,
): Promise<Response> {
  const { store, environment, livemode } = options;
  if (request.method !== 'POST') return answer(405, 'Only POST is served here.', { Allow: 'POST' });
  const signature = request.headers.get('Stripe-Signature');
  if (!signature) return answer(400, 'The header Stripe-Signature is missing.');
  if (!isOfNow(signature, environment.clock.now())) {
    return answer(400, 'The header Stripe-Signature is no signature of the last five minutes.');
  }
  const body = await bodyOf(request, environment, reading);
  if (body instanceof Response) return body;
  const refusal = await verify(options, body, signature);
  if (refusal) return answer(400, refusal);
  const event = parseStripeEvent(body);
  if (!event) return answer(400, 'The body is not an event of Stripe’s.');
  if (event.livemode !== livemode) {
    const field = { event: event.event_id, livemode: event.livemode };
    environment.logger.warn(field, 'An event of the other mode of Stripe was refused');
    return answer(400, 'The event is of the other mode of Stripe than the configured key.');
  }
  const task = webhookTaskOf(event.type);
  const isAboutCustomer = task === 'sync' || task === 'link';
  if (task === null || (isAboutCustomer && event.stripe_customer === null)) return answer(200, 'ignored');
  const { livemode: _, ...stored } = event;
  const outcome = await store.receiveWebhookEvent({ ...stored, received_at: environment.clock.now() });
  return answer(200, outcome === 'unknown_customer' ? 'ignored' : outcome);
}

async function bodyOf(
  request: Request,
  { clock }: Pick<Environment, 'clock'>,
  reading: Set<AbortController>,
): Promise<string | Response> {
  const waiting = new AbortController();
  makeRoom(reading);
  reading.add(waiting);
  try {
    const end = clock.sleep(BODY_TIMEOUT_MS, waiting.signal).then(() => null);
    const body = await Promise.race([readBody(request, MAX_BODY_BYTES), end]);
    if (body !== null) return body;
    if (!waiting.signal.aborted) return answer(408, 'The body did not arrive in time.');
    return answer(503, 'Too many events arrive at once.', { 'Retry-After': String(RETRY_AFTER_S) });
  } catch (error) {
    if (error instanceof BodyTooLargeError) return answer(413, 'The body is larger than 1 MB.');
    return answer(400, 'The body could not be read as text.');
  } finally {
    reading.delete(waiting);
    waiting.abort();
  }
}

/** Whoever holds bodies back gives way: one of Stripe’s arrives within moments. */
function makeRoom(reading: Set<AbortController>): void {
  const [longest] = reading;
  if (!longest || reading.size < MAX_UNVERIFIED_BODIES) return;
  reading.delete(longest);
  longest.abort();
}

/** @returns what is wrong; null = one of the secrets signed the body within the tolerance. */
async function verify(
  { connect, secrets, environment }: WebhookReceiverOptions,
  body: string,
  header: string,
): Promise<string | null> {
  const { webhooks } = await connect();
  const now = environment.clock.now();
  if (!webhooks.signature) throw new Error('The Stripe SDK cannot verify signatures on this platform.');
  for (const secret of secrets) {
    try {
      await webhooks.signature.verifyHeaderAsync(body, header, secret, TOLERANCE_S, undefined, now);
      return null;
    } catch {
      // Signed with another secret, or not at all: why exactly is not told to whoever asks.
    }
  }
  return 'No configured secret signed this body within five minutes.';
}

/**
 * Whether the header could sign a body at all: without that, none is read. The SDK, which verifies, refuses old signatures
 * only; one from far ahead could be kept and replayed.
 */
function isOfNow(header: string, now: number): boolean {
  const timestamp_s = Number(/(?:^|,)t=(\d+)(?:,|$)/.exec(header)?.[1]);
  const age_s = Math.floor(now / SECOND_MS) - timestamp_s;
  return Math.abs(age_s) <= TOLERANCE_S && /(?:^|,)v1=[0-9a-f]{64}(?:,|$)/.test(header);
}

function answer(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Response {
  const body = status < 300 ? { received: true, outcome: text } : { error: text };
  return Response.json(body, { status, headers });
}
