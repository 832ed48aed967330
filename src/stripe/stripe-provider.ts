import type { Stripe } from 'stripe';
import type {
  BillingProvider,
  Failed,
  ListSubscriptionItemsResult,
  ReadCountedParams,
  ReadCountedResult,
  SendReportParams,
  SendReportResult,
} from '../core/billing-provider.ts';
import type { Clock } from '../core/environment.ts';
import { SECOND_MS } from '../core/instant.ts';
import type { ReadMeterErrorsResult } from '../core/meter-errors.ts';
import { listInvoices, postponeInvoice, readInvoice } from './stripe-invoices.ts';
import { readMeterErrors } from './stripe-meter-errors.ts';
import { StripeMeters } from './stripe-meters.ts';
import { failureOf, sendFailureOf } from './stripe-outcome.ts';
import { StripeSubscriptions } from './stripe-subscriptions.ts';
import { TokenBucket } from './token-bucket.ts';

export interface StripeProviderOptions {
  /** Opens the official SDK, on first use. */
  readonly connect: () => Promise<Stripe>;
  readonly clock: Clock;
  readonly max_requests_per_second: number;
  /** The configured meters: our name → the meter's `event_name` at Stripe. */
  readonly event_names: ReadonlyMap<string, string>;
}

/** Stripe behind the port, through the official SDK. Nothing is retried here: the report job decides that. */
export function createStripeProvider(options: StripeProviderOptions): BillingProvider {
  const bucket = new TokenBucket(options.clock, options.max_requests_per_second);
  const connect = async () => {
    await bucket.take();
    return await options.connect();
  };
  const meters = new StripeMeters(connect, options.event_names);
  const subscriptions = new StripeSubscriptions(connect, meters);

  return {
    sendReport: (params) => sendReport(connect, meters, params),
    readCounted: (params) => readCounted(connect, meters, params),
    listSubscriptionItems: ({ stripe_customer }) =>
      orFailure<ListSubscriptionItemsResult>(async () => ({
        outcome: 'read',
        items: await subscriptions.listItems(stripe_customer),
      })),
    listInvoices: (params) => listInvoices(connect, params),
    postponeInvoice: (params) => postponeInvoice(connect, params),
    readInvoice: (params) => readInvoice(connect, params),
    readMeterErrors: ({ event_id }) =>
      orFailure<ReadMeterErrorsResult>(async () => ({
        outcome: 'read',
        errors: await readMeterErrors(await connect(), event_id),
      })),
  };
}

type Connect = () => Promise<Stripe>;

async function orFailure<Result>(run: () => Promise<Result>): Promise<Result | Failed> {
  try {
    return await run();
  } catch (error) {
    return failureOf(error);
  }
}

async function sendReport(
  connect: Connect,
  meters: StripeMeters,
  params: SendReportParams,
): Promise<SendReportResult> {
  const { stripe_customer, quantity, slot, identifier, attempt } = params;
  try {
    const meter = await meters.get(params.meter);
    const stripe = await connect();
    const event = await stripe.billing.meterEvents.create(
      {
        event_name: meter.event_name,
        identifier,
        timestamp: slot / SECOND_MS,
        payload: { [meter.customer_key]: stripe_customer, [meter.value_key]: String(quantity) },
      },
      { idempotencyKey: `${identifier}:${attempt}` },
    );
    if (event.identifier === identifier) return { outcome: 'accepted' };
    return { outcome: 'unknown', message: 'The answer names another identifier.', retry_after_ms: null };
  } catch (error) {
    return sendFailureOf(error);
  }
}

/** Stripe's summaries hold one row for the whole range unless they are grouped; pages do not arise. */
function readCounted(
  connect: Connect,
  meters: StripeMeters,
  params: ReadCountedParams,
): Promise<ReadCountedResult> {
  return orFailure<ReadCountedResult>(async () => {
    const meter = await meters.get(params.meter);
    const stripe = await connect();
    const summaries = await stripe.billing.meters.listEventSummaries(meter.id, {
      customer: params.stripe_customer,
      start_time: params.start / SECOND_MS,
      end_time: params.end / SECOND_MS,
      limit: 100,
    });
    const quantity = summaries.data.reduce((sum, summary) => sum + summary.aggregated_value, 0);
    return { outcome: 'read', quantity };
  });
}
