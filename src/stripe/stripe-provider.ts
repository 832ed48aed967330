import type {
  BillingProvider,
  BillingProviders,
  ChangeSubscriptionResult,
  Failed,
  FindPricesResult,
  ListLiveSubscriptionsResult,
  ListSubscriptionItemsResult,
  PreviewChangeResult,
  ReadCountedParams,
  ReadCountedResult,
  ReadSubscriptionResult,
  SendReportParams,
  SendReportResult,
} from '../core/billing-provider.ts';
import type {
  ApplyChangeResult,
  ListCatalogueResult,
  ReadCatalogueResult,
} from '../core/catalogue-provider.ts';
import type { Environment } from '../core/environment.ts';
import { SECOND_MS } from '../core/instant.ts';
import type { ReadMeterErrorsResult } from '../core/meter-errors.ts';
import type { BilledSubscription } from '../core/subscription-change.ts';
import { Turns } from '../core/turns.ts';
import { RateLimiter } from './rate-limiter.ts';
import type { RateLimits } from './rate-limits.ts';
import { listCatalogue, readCatalogue } from './stripe-catalogue.ts';
import { applyChange } from './stripe-catalogue-changes.ts';
import { StripeChanges } from './stripe-changes.ts';
import { StripeClock } from './stripe-clock.ts';
import { type Connect, connectStripe, type StripeConnectionOptions } from './stripe-connection.ts';
import { createInspection } from './stripe-inspection.ts';
import { createInvoiceItem, listInvoiceItems } from './stripe-invoice-items.ts';
import {
  collectDrafts,
  listInvoices,
  postponeInvoice,
  readInvoice,
  readInvoicePage,
} from './stripe-invoices.ts';
import { findItemEnding } from './stripe-item-endings.ts';
import { readMeterErrors } from './stripe-meter-errors.ts';
import { StripeMeters } from './stripe-meters.ts';
import { failureOf, sendFailureOf } from './stripe-outcome.ts';
import { previewChange } from './stripe-previews.ts';
import { StripePrices } from './stripe-prices.ts';
import { createSubscribing } from './stripe-subscribing.ts';
import { StripeSubscriptions } from './stripe-subscriptions.ts';

export interface StripeProviderOptions {
  readonly connection: StripeConnectionOptions;
  readonly environment: Environment;
  /** null = none. */
  readonly limits: RateLimits | null;
  /** The configured meters: our name → the meter's `event_name` at Stripe. */
  readonly event_names: ReadonlyMap<string, string>;
}

/**
 * Stripe behind the port, through the official SDK, once for calls that somebody waits for and once for the report job,
 * within one rate limit. Nothing is retried here: the report job decides that.
 */
export function createStripeProviders(options: StripeProviderOptions): BillingProviders {
  const { connection, environment, limits, event_names } = options;
  const limiter = new RateLimiter(environment, limits);
  const stripeClock = new StripeClock(environment.clock);
  // Stripe takes one meter event at a time of a customer and meter, whoever sends it.
  const turns = new Turns();
  const providerOf = (priority: 'interactive' | 'background'): BillingProvider => {
    const connect = connectStripe(connection, limiter, priority, stripeClock);
    const meters = new StripeMeters(connect, event_names, environment.clock);
    const prices = new StripePrices(connect, meters);
    const changes = new StripeChanges(connect, meters, prices);
    const subscriptions = new StripeSubscriptions(connect, meters, prices, environment.clock);
    return {
      ...createSubscribing({ connect, environment }),
      sendReport: (params) =>
        turns.take(JSON.stringify([params.stripe_customer, params.meter]), () =>
          sendReport(connect, meters, params),
        ),
      readCounted: (params) => readCounted(connect, meters, params),
      listSubscriptionItems: ({ stripe_customer }) =>
        orFailure<ListSubscriptionItemsResult>(() => subscriptions.list(stripe_customer)),
      listInvoices: (params) => listInvoices(connect, params),
      readInvoicePage: (params) => readInvoicePage(connect, params),
      findItemEnding: (params) => findItemEnding(connect, params),
      listInvoiceItems: (params) => listInvoiceItems(connect, params),
      createInvoiceItem: (params) => createInvoiceItem(connect, params),
      postponeInvoice: (params) => postponeInvoice(connect, params),
      readInvoice: (params) => readInvoice(connect, params),
      listLiveSubscriptions: ({ stripe_customer }) =>
        orFailure<ListLiveSubscriptionsResult>(async () => ({
          outcome: 'read',
          subscriptions: await changes.listLive(stripe_customer),
        })),
      readSubscription: ({ stripe_subscription }) =>
        orFailure<ReadSubscriptionResult>(async () => ({
          outcome: 'read',
          subscription: await changes.read(stripe_subscription),
        })),
      changeSubscription: (params) => changed(() => changes.change(params)),
      previewChange: (params) =>
        orFailure<PreviewChangeResult>(async () => ({
          outcome: 'read',
          invoice: await previewChange(connect, params),
        })),
      cancelSubscription: (params) => changed(() => changes.cancel(params)),
      setSubscriptionEnd: (params) => changed(() => changes.setEnd(params)),
      collectDrafts: (params) => collectDrafts(connect, params),
      migrateSubscription: ({ stripe_subscription }) => changed(() => changes.migrate(stripe_subscription)),
      findPrices: ({ references }) =>
        orFailure<FindPricesResult>(async () => ({
          outcome: 'read',
          prices: await prices.find(references),
        })),
      readCatalogue: (params) =>
        orFailure<ReadCatalogueResult>(async () => ({
          outcome: 'read',
          catalogue: await readCatalogue(await connect(), params),
        })),
      listCatalogue: () =>
        orFailure<ListCatalogueResult>(async () => ({
          outcome: 'read',
          ...(await listCatalogue(await connect())),
        })),
      applyChange: (params) =>
        orFailure<ApplyChangeResult>(async () => {
          await applyChange(await connect(), params);
          return { outcome: 'done' };
        }),
      ...createInspection(connect, meters),
      readMeterErrors: ({ event_id }) =>
        orFailure<ReadMeterErrorsResult>(async () => ({
          outcome: 'read',
          errors: await readMeterErrors(await connect(), event_id),
        })),
    };
  };
  return {
    interactive: providerOf('interactive'),
    background: providerOf('background'),
    backgroundLoad: () => limiter.load('background'),
    stripeNow: () => stripeClock.now(),
    stripeEarliest: () => stripeClock.earliest(),
  };
}

function changed(run: () => Promise<BilledSubscription>): Promise<ChangeSubscriptionResult> {
  return orFailure<ChangeSubscriptionResult>(async () => ({
    outcome: 'changed',
    subscription: await run(),
  }));
}

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
