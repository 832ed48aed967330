import { type AccountResult, type AccountsPage, createAccounts, type SetAccountParams } from './accounts.ts';
import { parseAccountId } from './core/account.ts';
import { type AdjustParams, parseAdjustment } from './core/adjustment.ts';
import type { BillingProvider, BillingProviders } from './core/billing-provider.ts';
import { parseRange } from './core/date-range.ts';
import type { Environment } from './core/environment.ts';
import { UsageError } from './core/errors.ts';
import type { DateInput } from './core/instant.ts';
import { parseMeter } from './core/meter.ts';
import type { Store } from './core/store.ts';
import { type IncrementParams, parseFields, parseIncrement } from './core/usage-event.ts';
import { openStore } from './database-options.ts';
import {
  createExplanations,
  type ExplainInvoiceParams,
  type ExplainReportParams,
  type ListReportsParams,
  type ReconcileParams,
} from './explanations.ts';
import { findAccount } from './query/billed-account.ts';
import type { InvoiceExplanation, ReportExplanation } from './query/explanation-result.ts';
import type { ReconciliationPage } from './query/reconciliation-result.ts';
import type { ReportsPage } from './query/report-list.ts';
import { queryUsage } from './query/usage-query.ts';
import type { UsageByMeterResult, UsageResult } from './query/usage-result.ts';
import { type IncrementResult, Recorder } from './recorder/recorder.ts';
import {
  createDecisions,
  type DecisionResult,
  type ResolveReportParams,
  type RetryReportParams,
} from './report-decisions.ts';
import { RateLimiter } from './stripe/rate-limiter.ts';
import { connectStripe } from './stripe/stripe-connection.ts';
import { createStripeProviders } from './stripe/stripe-provider.ts';
import { createWebhookReceiver } from './stripe/webhook-receiver.ts';
import { isProduction, systemEnvironment } from './system-environment.ts';
import { parseOptions, type UsageConfig, type UsageOptions } from './usage-options.ts';
import { createWebhooks, type ListWebhooksParams, type WebhooksPage } from './webhooks.ts';
import type { ReportRun } from './worker/report-cycle.ts';
import { parseSchedule } from './worker/schedule.ts';
import { Worker } from './worker/worker.ts';

/** Usage billing of one app: what `createUsage` gives. */
export interface Usage<Meter extends string = string, Plan extends string = string> {
  /** Who is billed. */
  readonly accounts: {
    /**
     * Creates an account or changes it; fields that are left out stay as they are.
     *
     * @throws UsageError `invalid_account`, `invalid_plan`, `invalid_stripe_customer`, `stripe_customer_taken`,
     * `invalid_parameter`, `storage_failed`, `storage_busy`, `closed`.
     */
    set(params: SetAccountParams<Plan>): Promise<AccountResult<Plan>>;
    /** @throws UsageError `invalid_account`, `account_not_found`, `storage_failed`, `closed`. */
    get(params: { readonly account: string }): Promise<AccountResult<Plan>>;
    /**
     * Accounts in the order of their ids, a page at a time. `limit`: 1 to 1,000, default 100.
     *
     * @throws UsageError `invalid_parameter`, `storage_failed`, `closed`.
     */
    list(params?: { readonly after?: string; readonly limit?: number }): Promise<AccountsPage<Plan>>;
  };

  /**
   * Counts usage. When the promise resolves the usage is durable; when nobody awaits it, nothing is lost but the
   * news, and an error still reaches `onError`. With an `idempotency_key`, repeated calls count once.
   *
   * @throws UsageError `invalid_account`, `invalid_meter`, `meter_required`, `invalid_quantity`,
   * `invalid_idempotency_key`, `invalid_timestamp`, `invalid_properties`, `invalid_parameter`,
   * `idempotency_conflict`, `late_usage`, `overloaded`, `transaction_unsupported`, `invalid_transaction`, `storage_failed`,
   * `storage_busy`, `closed`.
   */
  increment(params: IncrementParams<Meter>, options?: IncrementOptions): Promise<IncrementResult>;

  /**
   * Corrects usage: a usage event of its own, with a sign and a reason, next to what it corrects, which stays. The only
   * way to correct. Durable, deduplicated and brought to Stripe as increments are; what a billing period is short of in
   * the end is taken out of the next one.
   *
   * @throws UsageError `account_not_found`, `invalid_account`, `invalid_meter`, `meter_required`, `invalid_quantity`,
   * `invalid_reason`, `invalid_actor`, `invalid_idempotency_key`, `invalid_timestamp`, `invalid_parameter`,
   * `idempotency_conflict`, `overloaded`, `storage_failed`, `storage_busy`, `closed`.
   */
  adjust(params: AdjustParams<Meter>): Promise<IncrementResult>;

  /**
   * What an account used: in exactly `[period_start, period_end)`, or without dates in the current billing period,
   * with its cost so far.
   *
   * @throws UsageError `invalid_account`, `invalid_meter`, `invalid_period`, `invalid_parameter`,
   * `account_not_found`, `quantity_overflow`, `storage_failed`, `closed`.
   */
  get<Params extends GetParams<Meter>>(params: Params): Promise<GetResult<Meter, Params>>;

  /**
   * Seals the open reports now and sends what is due, of all accounts or of one; the worker does the same on its
   * schedule.
   *
   * @throws UsageError `invalid_account`, `invalid_parameter`, `storage_failed`, `storage_busy`, `closed`.
   */
  report(params?: { readonly account?: string }): Promise<ReportRun>;

  /**
   * Ours against Stripe's, per account, meter and billing period, and why they differ; a page of accounts at a time.
   * Reads one summary of Stripe's for each line, and one list of invoices for each account. Where a line differs, up to 64
   * summaries more, three times at most if Stripe counts something meanwhile.
   *
   * @throws UsageError `invalid_account`, `invalid_period`, `invalid_parameter`, `account_not_found`,
   * `quantity_overflow`, `storage_failed`, `closed`.
   */
  reconcile(params?: ReconcileParams): Promise<ReconciliationPage>;

  /**
   * A number down to its ledger entries: a report with its life and its usage events, a page at a time, or an invoice
   * with its reports and how they are rated.
   *
   * @throws UsageError `invalid_account`, `invalid_meter`, `meter_required`, `invalid_parameter`, `account_not_found`,
   * `report_not_found`, `invoice_not_found`, `stripe_unavailable`, `storage_failed`, `closed`.
   */
  explain(params: ExplainReportParams<Meter>): Promise<ReportExplanation>;
  explain(params: ExplainInvoiceParams): Promise<InvoiceExplanation>;

  /** Reports as rows of their own, whatever their account. */
  readonly reports: {
    /**
     * Reports and what can be done about them, those first that wait for a person.
     *
     * @throws UsageError `invalid_account`, `invalid_parameter`, `storage_failed`, `closed`.
     */
    list(params?: ListReportsParams): Promise<ReportsPage>;
    /**
     * Tries a report again that has failed, under a new identifier, or that is held, as it is.
     *
     * @throws UsageError `invalid_account`, `invalid_meter`, `meter_required`, `invalid_reason`, `invalid_actor`,
     * `invalid_parameter`, `report_not_found`, `report_not_decidable`, `storage_failed`, `closed`.
     */
    retry(params: RetryReportParams<Meter>): Promise<DecisionResult>;
    /**
     * Decides what becomes of a report that is held or has failed. Who and why are kept for good.
     *
     * @throws UsageError `invalid_account`, `invalid_meter`, `meter_required`, `invalid_reason`, `invalid_actor`,
     * `invalid_parameter`, `report_not_found`, `report_not_decidable`, `stripe_unavailable`, `storage_failed`, `closed`.
     */
    resolve(params: ResolveReportParams<Meter>): Promise<DecisionResult>;
  };

  /**
   * Answers Stripe's webhooks, as a fetch-standard handler: verifies the event's signature against the raw body, stores
   * it, and leaves the rest to the worker. Never rejects. 2xx: stored, known already or nothing to do; 400: not signed
   * by Stripe within five minutes, or of the other mode; 500: the database failed, and Stripe sends it again.
   */
  webhook(request: Request): Promise<Response>;

  /** The events that Stripe sent. */
  readonly webhooks: {
    /**
     * Events in the order of their ids, a page at a time; handled ones are kept for 35 days.
     *
     * @throws UsageError `invalid_parameter`, `storage_failed`, `closed`.
     */
    list(params?: ListWebhooksParams): Promise<WebhooksPage>;
    /**
     * Lets the worker handle a parked event again.
     *
     * @throws UsageError `invalid_parameter`, `webhook_event_not_parked`, `storage_failed`, `storage_busy`, `closed`.
     */
    retry(params: { readonly event: string }): Promise<void>;
  };

  /** The report job. */
  readonly worker: {
    /** Runs it in the background of this process. Several processes may: one of them works at a time. */
    start(): void;
    /** Resolves when the run under way has ended. */
    stop(): Promise<void>;
    /** Runs it once, for platforms that bring their own cron. The same as `usage.report()`. */
    runOnce(): Promise<ReportRun>;
    /** Does what is due by the clock and nothing else; `start` does this over and over. For tests. */
    tick(): Promise<void>;
    /** When something is due next, in milliseconds since 1970. For tests. */
    nextDueAt(): Promise<number>;
  };

  /** Writes what is pending, stops the worker and lets go of the database. Later calls are refused as `closed`. */
  close(): Promise<void>;
}

/** Parameters of `usage.get`. */
export interface GetParams<Meter extends string = string> {
  readonly account: string;
  /** Default: the only meter; every meter where several are configured. */
  readonly meter?: Meter | undefined;
  /** A Date, `'2026-10-10'` (UTC midnight) or an ISO 8601 instant. With `period_end`. */
  readonly period_start?: DateInput | undefined;
  /** Exclusive. At most 100 years after `period_start`. */
  readonly period_end?: DateInput | undefined;
}

/** One result, or one per meter where several are configured and the call names none. */
export type GetResult<Meter extends string, Params> = Params extends { readonly meter: string }
  ? UsageResult
  : IsUnion<Meter> extends true
    ? UsageByMeterResult<Meter>
    : UsageResult;

type IsUnion<Name, Each = Name> = Each extends unknown ? ([Name] extends [Each] ? false : true) : never;

/** Options of `usage.increment`. */
export interface IncrementOptions {
  /**
   * A transaction of the app on the same PostgreSQL database: the usage is counted when it commits and is gone when it
   * rolls back. A `pg` client after BEGIN, a Kysely transaction or a Drizzle transaction (node-postgres).
   */
  readonly transaction: AppTransaction;
}

/** What is used of a `pg` client, a Kysely transaction and a Drizzle transaction. */
export type AppTransaction =
  | { query(text: string): Promise<unknown> }
  | { readonly isTransaction: boolean; executeQuery(query: never): Promise<unknown> }
  | { execute(query: string): PromiseLike<unknown>; rollback(): never };

const INCREMENT_OPTIONS = new Set(['transaction']);
const GET_FIELDS = new Set(['account', 'meter', 'period_start', 'period_end']);
const REPORT_FIELDS = new Set(['account']);

/**
 * Usage billing in the app's own database. Synchronous: the database is opened, and migrated, on first use.
 *
 * @throws UsageError `invalid_configuration`, `invalid_price`.
 */
export function createUsage<const Meter extends string, const Plan extends string = never>(
  options: UsageOptions<Meter, Plan>,
): Usage<Meter, Plan> {
  return composeUsage(options, AS_THEY_ARE);
}

/** What a test puts around the ports, to see what passes through them or to fail there. */
export interface PortWrapping {
  readonly store: (store: Store) => Store;
  readonly provider: (provider: BillingProvider) => BillingProvider;
}

const AS_THEY_ARE: PortWrapping = { store: (store) => store, provider: (provider) => provider };

/** `createUsage` with something around its ports. */
export function composeUsage<const Meter extends string, const Plan extends string = never>(
  options: UsageOptions<Meter, Plan>,
  wrapping: PortWrapping,
): Usage<Meter, Plan> {
  const config = parseOptions(options as UsageOptions, isProduction());
  const environment = environmentOf(options);
  const store = wrapping.store(openStore(config.database, environment));
  const providers = providersOf(config, environment, wrapping);
  // Whoever asks outside of the report job waits for the answer.
  const provider = providers?.interactive ?? null;
  const recorder = new Recorder(store, environment, config.late_usage);
  const onError =
    options.onError ??
    ((error: unknown) => environment.logger.error({ err: error }, 'A call or the report job failed'));
  const worker = new Worker({
    store,
    environment,
    providers,
    plans: config.plans,
    late_usage: config.late_usage,
    schedule: parseSchedule(config.schedule, 'worker_schedule.usage'),
    ledger_retention_months:
      config.database.engine === 'postgres' ? config.database.ledger_retention_months : null,
    onError: tell,
    onProgress: (progress) => {
      try {
        options.onProgress?.(progress);
      } catch (error) {
        tell(error);
      }
    },
  });
  const query = { store, clock: environment.clock, plans: config.plans };
  /** Adjustments that are on their way to the recorder, which close() waits for. */
  const adjusting = new Set<Promise<unknown>>();
  let closing: Promise<void> | null = null;

  /** Hands an error to the app, whose own mistakes must not become unhandled rejections of ours. */
  function tell(error: unknown): void {
    try {
      onError(error);
    } catch (cause) {
      environment.logger.error({ err: cause }, 'onError itself failed');
    }
  }

  /** Runs a public method: a rejection is told once and never unhandled. */
  function guard<Result>(run: () => Promise<Result>): Promise<Result> {
    const promise = closing ? Promise.reject(new UsageError('closed')) : attempt(run);
    promise.catch(tell);
    return promise;
  }

  function increment(params: IncrementParams, options?: IncrementOptions): Promise<IncrementResult> {
    return guard(() => {
      const recorded_at = environment.clock.now();
      const parsed = parseIncrement(params, config.meters, recorded_at);
      if (options === undefined) return recorder.record(parsed);
      const { transaction } = parseFields(options, INCREMENT_OPTIONS);
      return recorder.recordIn(transaction, parsed, recorded_at);
    });
  }

  /** An account that nobody knows has nothing to correct: its id is mistyped. */
  async function adjust(params: AdjustParams): Promise<IncrementResult> {
    const parsed = parseAdjustment(params, config.meters, environment.clock.now());
    await findAccount(query, parsed.account_id);
    return await recorder.record(parsed);
  }

  function adjustTracked(params: AdjustParams): Promise<IncrementResult> {
    const adjusted = adjust(params);
    const settled = adjusted.catch(() => {}).finally(() => adjusting.delete(settled));
    adjusting.add(settled);
    return adjusted;
  }

  async function get(params: GetParams): Promise<UsageResult | UsageByMeterResult> {
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
    await recorder.drain();
    return account_id === null ? await worker.runOnce() : await worker.runAccount(account_id);
  }

  async function closeAll(): Promise<void> {
    await worker.stop();
    await Promise.allSettled(adjusting);
    await recorder.drain();
    await store.close();
  }

  const decisions = createDecisions({ store, provider, environment, meters: config.meters });
  const explanations = createExplanations({ ...query, provider, meters: config.meters });
  async function webhook(request: Request): Promise<Response> {
    if (closing) return Response.json({ error: 'The app is shutting down.' }, { status: 503 });
    if (receive) return await receive(request);
    const reason = 'Events of Stripe arrive, and it is not set: none can be verified.';
    tell(new UsageError('invalid_configuration', { field: 'stripe.webhook_secret', reason }));
    return Response.json({ error: 'The endpoint is not configured.' }, { status: 500 });
  }

  const receive = receiverOf(config, environment, store, tell);
  const webhooks = createWebhooks({ store, clock: environment.clock });
  const accounts = createAccounts({ store, clock: environment.clock, plans: config.plans });
  const usage = {
    accounts: {
      set: (params: unknown) => guard(() => accounts.set(params)),
      get: (params: unknown) => guard(() => accounts.get(params)),
      list: (params: unknown) => guard(() => accounts.list(params)),
    },
    increment,
    adjust: (params: AdjustParams) => guard(() => adjustTracked(params)),
    get: (params: GetParams) => guard(() => get(params)),
    report: (params?: { readonly account?: string }) => guard(() => report(params)),
    reconcile: (params: unknown) => guard(() => explanations.reconcile(params)),
    explain: (params: unknown) => guard<unknown>(() => explanations.explain(params)),
    reports: {
      list: (params: unknown) => guard(() => explanations.listReports(params)),
      retry: (params: unknown) => guard(() => decisions.retry(params)),
      resolve: (params: unknown) => guard(() => decisions.resolve(params)),
    },
    webhook,
    webhooks: {
      list: (params?: unknown) => guard(() => webhooks.list(params)),
      retry: (params: unknown) => guard(() => webhooks.retry(params)),
    },
    worker: {
      start: () => {
        if (closing) throw new UsageError('closed');
        worker.start();
      },
      stop: () => worker.stop(),
      runOnce: () => guard(() => report()),
      tick: () => guard(() => worker.tick()),
      nextDueAt: () => guard(() => worker.nextDueAt()),
    },
    close: () => {
      closing ??= closeAll();
      closing.catch(tell);
      return closing;
    },
  };
  // The parameters were checked against the configuration, which is where Meter and Plan come from.
  return usage as unknown as Usage<Meter, Plan>;
}

function environmentOf({ environment, logger }: UsageOptions): Environment {
  return { ...systemEnvironment(), ...(logger ? { logger } : {}), ...environment };
}

function providersOf(
  { stripe, event_names }: UsageConfig,
  environment: Environment,
  wrapping: PortWrapping,
): BillingProviders | null {
  if (!stripe) return null;
  const { limits, secret_key, config } = stripe;
  const connection = { secret_key, ...(config ? { config } : {}) };
  const providers = createStripeProviders({ connection, environment, limits, event_names });
  return {
    ...providers,
    interactive: wrapping.provider(providers.interactive),
    background: wrapping.provider(providers.background),
  };
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
  const connect = connectStripe(stripe, new RateLimiter(environment, null), 'interactive');
  return createWebhookReceiver({ store, connect, environment, secrets, livemode, onError });
}

/** Without `async`, which would cost every increment two promises more. */
function attempt<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return run();
  } catch (error) {
    return Promise.reject(error);
  }
}
