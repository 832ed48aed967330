import { Hono } from 'hono';
import { formatDecimal } from '../../core/decimal.ts';
import type { Clock } from '../../core/environment.ts';
import { ACCOUNT_ROUTES } from './account.ts';
import { ConnectionLost, HangingRequests, networkError } from './connection.ts';
import { CUSTOMER_ROUTES } from './customers.ts';
import { directRouter } from './direct-router.ts';
import { EVENT_ROUTES } from './event-api.ts';
import { EVENT_DESTINATION_ROUTES } from './event-destinations.ts';
import { EVENT_SUMMARY_ROUTES } from './event-summaries.ts';
import type { Exchange } from './exchange.ts';
import { Faults } from './faults.ts';
import { INVOICE_ITEM_ROUTES } from './invoice-items.ts';
import { INVOICE_PREVIEW_ROUTES } from './invoice-previews.ts';
import { invoiceView } from './invoice-view.ts';
import { INVOICE_ROUTES } from './invoices.ts';
import type { JsonObject } from './json.ts';
import { METER_EVENT_ROUTES } from './meter-events.ts';
import { METER_ROUTES, metersNamed } from './meters.ts';
import { ONE_OFF_INVOICE_ROUTES } from './one-off-invoices.ts';
import { PORTAL_CONFIGURATION_ROUTES } from './portal-configurations.ts';
import { PRICE_ROUTES } from './prices.ts';
import { PRODUCT_ROUTES } from './products.ts';
import { RateLimits, type SimulatedLimits } from './rate-limits.ts';
import type { AsyncErrorRecord, MeterEventRecord } from './records.ts';
import { createRequestHandler } from './request-handler.ts';
import type { Route } from './route.ts';
import { type ListeningSimulator, type ListenOptions, listen } from './server.ts';
import { nextEventAt, settle } from './settle.ts';
import { Simulation } from './simulation.ts';
import { SimulatorState } from './state.ts';
import { openStateFile } from './state-file.ts';
import { SUBSCRIPTION_ITEM_ROUTES } from './subscription-items.ts';
import { SUBSCRIPTION_ROUTES } from './subscriptions.ts';
import { totalOf } from './usage-total.ts';
import { WEBHOOK_ENDPOINT_ROUTES } from './webhook-endpoints.ts';
import type { WebhookFaults } from './webhook-faults.ts';
import { type WebhookAttempt, type WebhookOptions, WebhookSender } from './webhook-sender.ts';

/** How a simulator is set up. */
export interface StripeSimulatorOptions {
  /** The simulator's time, in milliseconds since the epoch; it never asks another clock. */
  readonly clock: Pick<Clock, 'now'>;
  /** Fixes the random lags and nothing else: a 32-bit unsigned integer. Default 1. */
  readonly seed?: number;
  /** Least and most minutes, on the clock, until an accepted meter event is counted. Default `[0, 30]`. */
  readonly lag_minutes?: readonly [number, number];
  /** How long an invoice stays a draft at the end of a period, in milliseconds. Default: one hour. */
  readonly finalize_after_ms?: number;
  /**
   * Refuses to replace a volume price by one that is none, or the other way, on a subscription. Whether Stripe does so
   * is not documented. Default: false.
   */
  readonly refuses_tiers_mode_change?: boolean;
  /** Refuses requests beyond Stripe's limits with 429. Default: there is no limit. */
  readonly limits?: SimulatedLimits;
  /**
   * An SQLite file in which the state is durable before a request is answered; reopened, everything continues.
   * It belongs to one simulator at a time. Default: the state is only in memory.
   */
  readonly state_file?: string;
  /**
   * The app's endpoint for events. Default: there is none, and no events are kept. They are delivered by
   * `deliverWebhooks`, which `passTime` calls.
   */
  readonly webhooks?: WebhookOptions;
  /** Told of every request and what became of it, before the answer leaves. Must not throw. */
  readonly onExchange?: (exchange: Exchange) => void;
}

/** A stand-in for Stripe: as much of its API as usage billing needs, with a clock that can be moved. */
export interface StripeSimulator {
  /** Answers in process: `new Stripe('sk_test_x', { httpClient: Stripe.createFetchHttpClient(simulator.fetch) })`. */
  readonly fetch: typeof fetch;
  /**
   * Answers at once and without fetch's objects, for those who make thousands of requests a second. A request that
   * would hang is one that the client has given up.
   *
   * @throws TypeError when the connection is lost.
   */
  answer(request: DirectRequest): DirectAnswer;
  /** Answers over HTTP: `new Stripe('sk_test_x', { host, port, protocol })`. */
  listen(options?: ListenOptions): Promise<ListeningSimulator>;
  /** Lets everything happen that is due by the clock, in the order of time. Every request does so too. */
  settle(): void;
  /**
   * When something next happens by itself (milliseconds): a count, the end of a period, a finalisation, a delivery;
   * null: never.
   */
  nextEventAt(): number | null;
  /** Faults to inject. */
  readonly faults: Pick<Faults, 'add' | 'clear'>;
  /** Delivers the events that are due by the clock, in the order of time; what the endpoint refuses is due again later. */
  deliverWebhooks(): Promise<void>;
  /** The last 10,000 attempts to deliver an event, oldest first. */
  webhookAttempts(): readonly WebhookAttempt[];
  /** Faults of the delivery of events. */
  readonly webhookFaults: Pick<WebhookFaults, 'add' | 'clear'>;
  /** What is counted by now of a customer's events with a timestamp in `[start_ms, end_ms)`, by the meter's formula. */
  counted(customer: string, event_name: string, start_ms: number, end_ms: number): number;
  /** All accepted meter events, in the order of their arrival, with what became of them. */
  events(): readonly MeterEventRecord[];
  /** What Stripe would report later, in thin events, about accepted events that it could not count. */
  asyncErrors(): readonly AsyncErrorRecord[];
  /** The customer's invoices as the API shows them, oldest first. */
  invoices(customer: string): readonly JsonObject[];
  /** The last 10,000 requests, oldest first. */
  requests(): readonly Exchange[];
  /** Closes the servers and the state file. Nothing is lost: what was answered is in the file. */
  close(): Promise<void>;
}

const ROUTES: readonly Route[] = [
  ...CUSTOMER_ROUTES,
  ...PRODUCT_ROUTES,
  ...METER_ROUTES,
  ...EVENT_SUMMARY_ROUTES,
  ...METER_EVENT_ROUTES,
  ...PRICE_ROUTES,
  ...SUBSCRIPTION_ROUTES,
  ...SUBSCRIPTION_ITEM_ROUTES,
  // Before the routes of an invoice, because `create_preview` is no id.
  ...INVOICE_PREVIEW_ROUTES,
  ...INVOICE_ROUTES,
  ...ONE_OFF_INVOICE_ROUTES,
  ...INVOICE_ITEM_ROUTES,
  ...EVENT_ROUTES,
  ...ACCOUNT_ROUTES,
  ...EVENT_DESTINATION_ROUTES,
  ...PORTAL_CONFIGURATION_ROUTES,
  ...WEBHOOK_ENDPOINT_ROUTES,
];
/** A request to {@link StripeSimulator.answer}. */
export interface DirectRequest {
  readonly method: string;
  /** With the query: `/v1/prices?limit=1`. */
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface DirectAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The text of the body, usually JSON. */
  readonly body: string;
}

const REQUEST_LOG_LENGTH = 10_000;
const HOUR_MS = 3_600_000;

/**
 * Creates a simulated Stripe account in test mode.
 *
 * What it can't prove about the real Stripe, because it is not documented, is decided to the disadvantage of the
 * code under test: identifiers are forgotten after exactly 24 hours, and an invoice at cancellation bills what is
 * counted by then.
 */
export function createStripeSimulator(options: StripeSimulatorOptions): StripeSimulator {
  const { clock, onExchange } = options;
  const webhooks = options.webhooks ?? null;
  const state = new SimulatorState();
  const file = options.state_file === undefined ? null : openStateFile(options.state_file, state);
  const simulation = new Simulation(state, {
    seed: options.seed ?? 1,
    lag_minutes: options.lag_minutes ?? [0, 30],
    finalize_after_ms: options.finalize_after_ms ?? HOUR_MS,
    refuses_tiers_mode_change: options.refuses_tiers_mode_change ?? false,
    events: { snapshot: webhooks !== null, thin: webhooks?.thin_secret !== undefined },
  });
  const routes = new Map(ROUTES.map((route) => [`${route.method} ${route.path}`, route]));
  const faults = new Faults();
  const hanging = new HangingRequests();
  const limits = new RateLimits(options.limits ?? null);
  const servers = new Set<ListeningSimulator>();
  const requests: Exchange[] = [];

  const save = () => {
    const changes = state.takeChanges();
    file?.save(changes);
  };
  const record = (exchange: Exchange) => {
    if (requests.length >= REQUEST_LOG_LENGTH) requests.shift();
    requests.push(exchange);
    onExchange?.(exchange);
  };
  const settleNow = () => {
    settle(simulation, routes, clock.now());
    save();
  };
  const sender = webhooks && new WebhookSender(simulation, clock, webhooks, save);
  const handler = createRequestHandler({ simulation, routes, faults, hanging, limits, clock, save, record });
  const app = routerOf(handler.respond);
  const findRoute = directRouter(ROUTES);

  return {
    fetch: async (input, init) => {
      try {
        return await app.fetch(new Request(input, init));
      } catch (error) {
        throw error instanceof ConnectionLost ? networkError() : error;
      }
    },
    answer: ({ method, path, headers, body }) => {
      const { route, id } = findRoute(method, path);
      const request = {
        method,
        url: `http://stripe.invalid${path}`,
        headers: { get: (name: string) => headers.get(name) ?? null },
      };
      const { answer, request_id } = handler.answerAtOnce(request, body, route, id);
      if (answer === null) throw networkError();
      const common = { 'request-id': request_id, date: new Date(clock.now()).toUTCString() };
      if (typeof answer === 'string') return { status: 200, headers: common, body: answer };
      const own = Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), value]);
      return {
        status: answer.status,
        headers: { ...common, ...Object.fromEntries(own) },
        body: JSON.stringify(answer.body),
      };
    },
    listen: async (listenOptions) => {
      const server = await listen(app, listenOptions);
      servers.add(server);
      return server;
    },
    settle: settleNow,
    nextEventAt: () => nextEventAt(simulation),
    faults,
    deliverWebhooks: async () => {
      settleNow();
      await sender?.deliverDue();
    },
    webhookAttempts: () => sender?.attempts() ?? [],
    webhookFaults: simulation.webhookFaults,
    counted: (customer, event_name, start_ms, end_ms) => {
      settleNow();
      const period = { start: start_ms / 1000, end: end_ms / 1000 };
      const totals = metersNamed(simulation, event_name).map((meter) =>
        totalOf(meter, simulation.log.counted(meter.id, customer, period)),
      );
      return totals.reduce((sum, total) => sum + Number(formatDecimal(total)), 0);
    },
    events: () => {
      settleNow();
      return [...state.meterEvents.values()];
    },
    asyncErrors: () => {
      settleNow();
      return [...state.asyncErrors.values()];
    },
    invoices: (customer) => {
      settleNow();
      return state.invoices.of(customer).map((invoice) => invoiceView(simulation, invoice));
    },
    requests: () => [...requests],
    close: async () => {
      hanging.closeAll();
      await Promise.all([...servers].map((server) => server.close()));
      servers.clear();
      file?.close();
    },
  };
}

type RequestHandler = ReturnType<typeof createRequestHandler>['respond'];

function routerOf(handle: RequestHandler): Hono {
  const app = new Hono();
  // Searches are not served, and `search` is no id.
  app.get('/v1/:resource/search', (context) => handle(context.req.raw, null, ''));
  for (const route of ROUTES) {
    app.on(route.method, route.path, (context) =>
      handle(context.req.raw, route, context.req.param('id') ?? ''),
    );
  }
  app.all('*', (context) => handle(context.req.raw, null, ''));
  // A lost connection is no answer: whoever holds the connection must break it.
  app.onError((error) => {
    throw error;
  });
  return app;
}
