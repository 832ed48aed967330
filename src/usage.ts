import { createCalls } from './calls.ts';
import { COMMAND_ACCESS, type CommandAccess } from './command-access.ts';
import { parseAccountId } from './core/account.ts';
import { parseAdjustment } from './core/adjustment.ts';
import type { BillingProvider, BillingProviders } from './core/billing-provider.ts';
import { parseRange } from './core/date-range.ts';
import type { Environment } from './core/environment.ts';
import { UsageError } from './core/errors.ts';
import { parseMeter } from './core/meter.ts';
import type { Store } from './core/store.ts';
import { parseFields, parseIncrement } from './core/usage-event.ts';
import { createKeys } from './http/access/api-keys.ts';
import { createTokens } from './http/access/browser-tokens.ts';
import { createAccounts } from './methods/accounts.ts';
import { createCatalogue } from './methods/catalogue.ts';
import { createCollectionPauses } from './methods/collection-pauses.ts';
import { createDoctor } from './methods/doctor.ts';
import { createExplanations } from './methods/explanations.ts';
import { createInvoices } from './methods/invoices.ts';
import { checkLimit } from './methods/limits.ts';
import { listPlans } from './methods/listed-plans.ts';
import { previewPlan } from './methods/plan-preview.ts';
import { createDecisions } from './methods/report-decisions.ts';
import { createSeats } from './methods/seats.ts';
import { createSubscriptionChanges } from './methods/subscription-changes.ts';
import { createSubscriptions } from './methods/subscriptions.ts';
import { createUnflushedBills } from './methods/unflushed-bills.ts';
import { createReadings } from './methods/usage-readings.ts';
import { createWebhooks } from './methods/webhooks.ts';
import { openStore } from './options/database-options.ts';
import { parseOptions, type UsageConfig, type UsageOptions } from './options/usage-options.ts';
import { findAccount } from './query/billed-account.ts';
import { queryUsage } from './query/usage-query.ts';
import type { UsageByMeterResult, UsageResult } from './query/usage-result.ts';
import { type IncrementResult, Recorder } from './recorder/recorder.ts';
import { RateLimiter } from './stripe/rate-limiter.ts';
import { StripeClock } from './stripe/stripe-clock.ts';
import { connectStripe, importStripe } from './stripe/stripe-connection.ts';
import { createStripeProviders } from './stripe/stripe-provider.ts';
import { createWebhookReceiver } from './stripe/webhook-receiver.ts';
import { DefaultLogger, isProduction, systemEnvironment } from './system-environment.ts';
import { Telemetry } from './telemetry/telemetry.ts';
import { createUsageHandler } from './usage-handler.ts';
import type { IncrementOptions, MeterNaming, Usage } from './usage-interface.ts';
import type { ReportRun } from './worker/report-cycle.ts';
import { parseSchedule } from './worker/schedule.ts';
import { Worker } from './worker/worker.ts';

const INCREMENT_OPTIONS = new Set(['transaction']);
const GET_FIELDS = new Set(['account', 'meter', 'period_start', 'period_end']);
const REPORT_FIELDS = new Set(['account']);

/**
 * Usage billing in the app's own database. Synchronous: the database is opened, and migrated, on first use.
 *
 * @throws UsageError `invalid_configuration`, `invalid_price`.
 */
export function createUsage<
  const Meter extends string,
  const Plan extends string = never,
  const DefaultMeter extends Meter = never,
>(options: UsageOptions<Meter, Plan, DefaultMeter>): Usage<Meter, Plan, MeterNaming<Meter, DefaultMeter>> {
  return composeUsage(options, AS_THEY_ARE);
}

/** What a test puts around the ports, to see what passes through them or to fail there. */
export interface PortWrapping {
  readonly store: (store: Store) => Store;
  readonly provider: (provider: BillingProvider) => BillingProvider;
}

const AS_THEY_ARE: PortWrapping = { store: (store) => store, provider: (provider) => provider };

/** `createUsage` with something around its ports. */
export function composeUsage<
  const Meter extends string,
  const Plan extends string = never,
  const DefaultMeter extends Meter = never,
>(
  options: UsageOptions<Meter, Plan, DefaultMeter>,
  wrapping: PortWrapping,
): Usage<Meter, Plan, MeterNaming<Meter, DefaultMeter>> {
  const config = parseOptions(options as UsageOptions, isProduction());
  const environment = environmentOf(options);
  const telemetry = new Telemetry(environment.clock);
  const store = telemetry.store(wrapping.store(openStore(config.database, environment)));
  const providers = providersOf(config, environment, wrapping, telemetry);
  // Whoever asks outside of the report job waits for the answer.
  const provider = providers?.interactive ?? null;
  const recorder = new Recorder(store, environment, config.late_usage);
  const { logger } = environment;
  const isClosed = () => closing !== null;
  const calls = createCalls({ onError: options.onError, logger, telemetry, isClosed });
  const { tell } = calls;
  const worker = new Worker({
    store,
    environment,
    providers,
    stripeNow: providers?.stripeNow ?? (() => environment.clock.now()),
    plans: config.plans,
    late_usage: config.late_usage,
    schedule: parseSchedule(config.schedule, 'worker_schedule.usage'),
    ledger_retention_months:
      config.database.engine === 'postgres' ? config.database.ledger_retention_months : null,
    onError: tellOfJob,
    onProgress: (progress) => {
      try {
        options.onProgress?.(progress);
      } catch (error) {
        tell(error, 'onProgress');
      }
    },
  });
  const watched = {
    clock: environment.clock,
    store,
    nextDueAt: () => worker.nextDueAt(),
    load: providers && (() => providers.backgroundLoad()),
  };
  const query = { store, clock: environment.clock, plans: config.plans };
  /** Adjustments that are on their way to the recorder, which close() waits for. */
  const adjusting = new Set<Promise<unknown>>();
  let closing: Promise<void> | null = null;
  /** Whether the package that reports are sent with was looked for. */
  let isSearched = false;

  /** @throws UsageError `invalid_configuration` where Stripe is configured, and its package is not installed. */
  async function requireStripe(): Promise<void> {
    if (config.stripe) await importStripe();
  }

  /** Without the package the job goes on to seal and to wait: the app is told once why nothing is sent. */
  function searchStripe(): void {
    if (isSearched) return;
    isSearched = true;
    requireStripe().catch(tellOfJob);
  }

  const access: CommandAccess = {
    printing: calls.printing,
    requireStripe,
    logTo(logger) {
      if (environment.logger instanceof DefaultLogger) environment.logger.passTo(logger);
    },
  };

  function tellOfJob(error: unknown): void {
    tell(error, 'The report job');
  }

  function record(params: unknown, options?: IncrementOptions): Promise<IncrementResult> {
    telemetry.observe(watched);
    const recorded_at = environment.clock.now();
    const parsed = parseIncrement(params, config.meters, recorded_at);
    if (options === undefined) return recorder.record(parsed);
    const { transaction } = parseFields(options, INCREMENT_OPTIONS);
    return recorder.recordIn(transaction, parsed, recorded_at);
  }

  /** An account that nobody knows has nothing to correct: its id is mistyped. */
  async function adjust(params: unknown): Promise<IncrementResult> {
    const parsed = parseAdjustment(params, config.meters, environment.clock.now());
    await findAccount(query, parsed.account_id);
    return await recorder.record(parsed);
  }

  function adjustTracked(params: unknown): Promise<IncrementResult> {
    const adjusted = adjust(params);
    const settled = adjusted.catch(() => {}).finally(() => adjusting.delete(settled));
    adjusting.add(settled);
    return adjusted;
  }

  async function get(params: unknown): Promise<UsageResult | UsageByMeterResult> {
    const fields = parseFields(params, GET_FIELDS);
    const account_id = parseAccountId(fields['account']);
    const range = parseRange(fields['period_start'], fields['period_end']);
    const isOne = fields['meter'] !== undefined || config.meters.names.size === 1;
    const meters = isOne ? [parseMeter(fields['meter'], config.meters)] : [...config.meters.names];
    const results = await queryUsage(query, { account_id, meters, range });
    const [first] = results;
    if (isOne && first) return first;
    return {
      account: account_id,
      meters: Object.fromEntries(results.map((result) => [result.meter, result])),
    };
  }

  async function report(params: { readonly account?: string } = {}): Promise<ReportRun> {
    const { account } = parseFields(params, REPORT_FIELDS);
    const account_id = account === undefined ? null : parseAccountId(account);
    searchStripe();
    await recorder.drain();
    return account_id === null ? await worker.runOnce() : await worker.runAccount(account_id);
  }

  async function closeAll(): Promise<void> {
    telemetry.stop();
    await worker.stop();
    await Promise.allSettled(adjusting);
    await http.drain();
    await recorder.drain();
    await store.close();
  }

  const decisions = createDecisions({ store, provider, environment, meters: config.meters });
  const explanations = createExplanations({ ...query, provider, meters: config.meters });
  const invoices = createInvoices({ ...query, provider });
  async function webhook(request: Request): Promise<Response> {
    if (closing) return Response.json({ error: 'The app is shutting down.' }, { status: 503 });
    if (receive) return await receive(request);
    const reason = 'Events of Stripe arrive, and it is not set: none can be verified.';
    tell(
      new UsageError('invalid_configuration', { field: 'stripe.webhook_secret', reason }),
      'usage.webhook',
    );
    return Response.json({ error: 'The endpoint is not configured.' }, { status: 500 });
  }

  const receive = receiverOf(config, environment, store, (error) => tell(error, 'usage.webhook'));
  const webhooks = createWebhooks({ store, clock: environment.clock });
  const accounts = createAccounts({ store, provider, clock: environment.clock, plans: config.plans });
  const subscriptions = createSubscriptions({ store, provider, environment, plans: config.plans });
  const changing = {
    store,
    provider,
    environment,
    plans: config.plans,
    settle: async (account_id: string) => {
      await recorder.drain();
      await worker.settleAccount(account_id);
    },
    advance: (account_id: string) => worker.advanceChange(account_id),
    verify_timeout_ms: config.verify_timeout_ms,
    allow_tiers_mode_change: config.allow_tiers_mode_change,
  };
  const changes = createSubscriptionChanges(changing);
  const pauses = createCollectionPauses(changing);
  const preview = (params: unknown) => previewPlan({ ...changing, meters: [...config.meters.names] }, params);
  const seats = createSeats(changing);
  const limited = { ...query, meters: config.meters };
  const declared = { event_names: config.event_names, plans: config.plans };
  const livemode = config.stripe?.livemode ?? false;
  const catalogue = createCatalogue({ ...declared, provider, environment, livemode });
  const doctor = createDoctor({
    ...declared,
    store,
    clock: environment.clock,
    provider,
    requireStripe,
    livemode,
    has_webhook_secret: (config.stripe?.webhook_secrets.length ?? 0) > 0,
    allow_unsafe: config.database.engine === 'postgres' && config.database.allow_unsafe,
  });
  const readings = createReadings({ ...query, meters: config.meters });
  const keys = createKeys({ store, clock: environment.clock });
  const tokens = createTokens({ store, clock: environment.clock, secret: config.http.token_secret });
  const bills = createUnflushedBills({
    store,
    provider,
    environment,
    meters: config.meters,
    plans: config.plans,
  });
  /** Of the app, and behind the routes of its API. */
  const methods = {
    increment: record,
    adjust: adjustTracked,
    get,
    windows: readings.windows,
    cost: readings.cost,
    plans: { preview, change: changes.changePlan },
    subscriptions: {
      ...subscriptions,
      ...pauses,
      ...bills,
      cancel: changes.cancel,
      lastChange: changes.lastChange,
    },
    seats,
    limits: { check: (params: unknown) => checkLimit(limited, params) },
    invoices,
    accounts,
    reports: { ...decisions, list: explanations.listReports },
    reconcile: explanations.reconcile,
    tokens,
    webhooks,
  };
  const { explainReport, explainInvoice } = explanations;
  const http = createUsageHandler({
    store,
    meters: config.meters,
    plans: config.plans,
    environment,
    settings: config.http,
    tell: (error) => tell(error, 'usage.handler'),
    isClosed,
    methods: { ...calls.untold({ ...methods, explainReport, explainInvoice }), webhook },
  });
  const told = calls.told({
    ...methods,
    report,
    explain: explanations.explain,
    catalogue,
    doctor,
    keys,
    worker: {
      runOnce: () => report(),
      tick: () => worker.tick(),
      nextDueAt: () => worker.nextDueAt(),
    },
  });
  const usage = {
    ...told,
    plans: { ...told.plans, list: () => listPlans(config.plans) },
    worker: {
      ...told.worker,
      start: () => {
        if (closing) throw new UsageError('closed');
        searchStripe();
        telemetry.observe(watched);
        worker.start();
      },
      stop: () => worker.stop(),
    },
    handler: (request: Request) => http.handle(request),
    webhook,
    [COMMAND_ACCESS]: access,
    close: () => {
      closing ??= closeAll();
      closing.catch((error: unknown) => tell(error, 'usage.close'));
      return closing;
    },
  };
  // The parameters were checked against the configuration, which is where Meter and Plan come from.
  return usage as unknown as Usage<Meter, Plan, MeterNaming<Meter, DefaultMeter>>;
}

function environmentOf({ environment, logger }: UsageOptions): Environment {
  return { ...systemEnvironment(), ...(logger ? { logger } : {}), ...environment };
}

function providersOf(
  { stripe, event_names }: UsageConfig,
  environment: Environment,
  wrapping: PortWrapping,
  telemetry: Telemetry,
): BillingProviders | null {
  if (!stripe) return null;
  const { limits, secret_key, config } = stripe;
  const connection = { secret_key, ...(config ? { config } : {}) };
  const providers = createStripeProviders({ connection, environment, limits, event_names });
  return telemetry.providers({
    ...providers,
    interactive: wrapping.provider(providers.interactive),
    background: wrapping.provider(providers.background),
  });
}

/** null = no secret is set. */
function receiverOf(
  { stripe }: UsageConfig,
  environment: Environment,
  store: Store,
  onError: (error: unknown) => void,
) {
  if (!stripe || stripe.webhook_secrets.length === 0) return null;
  const { webhook_secrets: secrets, livemode } = stripe;
  // It verifies signatures only, and makes no calls.
  const { clock } = environment;
  const limiter = new RateLimiter(environment, null);
  const connect = connectStripe(stripe, limiter, 'interactive', new StripeClock(clock));
  return createWebhookReceiver({ store, connect, environment, secrets, livemode, onError });
}
