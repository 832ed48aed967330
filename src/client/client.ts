import { createAuthorization } from './authorization.ts';
import { type ClientOptions, checkOptions } from './client-options.ts';
import { Outbox } from './outbox.ts';
import { onPageHide } from './page-hide.ts';
import { withRetries } from './retry.ts';
import { type Query, Transport, type TransportRequest } from './transport.ts';
import type {
  AccountDetails,
  AccountResult,
  AccountSettings,
  AccountsPage,
  Adjustment,
  ChangeResult,
  CostResult,
  DecisionResult,
  Increment,
  IncrementResult,
  InvoiceExplanation,
  InvoicesPage,
  LimitResult,
  PlanChange,
  PlanPreview,
  PlansResult,
  PreviewedChange,
  ReconciliationPage,
  ReportExplanation,
  ReportsPage,
  ResolveReportParams,
  RetryReportParams,
  SeatsAdded,
  SeatsResult,
  SeatsSetting,
  UsageByMeterResult,
  UsageResult,
  UsageWindowsResult,
} from './wire.ts';

/** Whose usage, of which meter. A browser token, or a key for one account, says the account by itself. */
export interface SubjectParams {
  readonly account?: string | undefined;
  /** Default: the only meter, or the default one. */
  readonly meter?: string | undefined;
}

/** `'2026-10-10'` (UTC midnight) or an ISO 8601 instant. Default: the current billing period. */
export interface RangeParams {
  readonly period_start?: string | undefined;
  /** Exclusive. */
  readonly period_end?: string | undefined;
}

export interface WindowsParams extends SubjectParams, RangeParams {
  readonly window: 'hour' | 'day' | 'month';
  /** IANA name. Default: UTC. */
  readonly time_zone?: string | undefined;
}

export interface PageParams {
  /** The `next` of the page before. */
  readonly after?: string | undefined;
  /** 1 to 1,000. Default: 100. */
  readonly limit?: number | undefined;
}

export interface TokenResult {
  readonly token: string;
  readonly token_id: string;
  readonly account: string;
  readonly expires_at: string;
}

export interface CallOptions {
  /** Ends the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The HTTP API of `usage.handler`, typed. Every method rejects with a `RequestError`. */
export interface UsageClient {
  /**
   * Counts usage, by one unless `quantity` says otherwise. Resolves when the server has it, durably. Calls that are made
   * together, or while a request is under way, share a request. It is repeated with the same idempotency key when there is
   * no answer, and so counts once; at most 10,000 calls wait.
   */
  record(increment: Increment): Promise<IncrementResult>;
  /** Resolves when no recorded increment waits any more, whatever became of it. */
  flush(): Promise<void>;
  /** Flushes, and no longer listens to whether the page is hidden. */
  close(): Promise<void>;

  /** Usage of the current billing period, or of a range. Per meter, where there are several and `meter` names none. */
  get(params?: SubjectParams & RangeParams, options?: CallOptions): Promise<UsageResult | UsageByMeterResult>;
  windows(params: WindowsParams, options?: CallOptions): Promise<UsageWindowsResult>;
  /** What the current billing period costs so far, with the price, its tiers and the limit. */
  cost(params?: SubjectParams, options?: CallOptions): Promise<CostResult>;
  readonly plans: {
    list(options?: CallOptions): Promise<PlansResult>;
    /** What a change would cost. Nothing is changed. */
    preview(change: PreviewedChange, options?: CallOptions): Promise<PlanPreview>;
    change(change: PlanChange): Promise<ChangeResult>;
  };
  readonly seats: {
    get(params?: { readonly account?: string }, options?: CallOptions): Promise<SeatsResult>;
    set(setting: SeatsSetting): Promise<SeatsResult>;
    add(added: SeatsAdded): Promise<SeatsResult>;
  };
  readonly limits: {
    /** To be asked before the work; `quantity` is 1 by default. */
    check(
      params?: SubjectParams & { readonly quantity?: number },
      options?: CallOptions,
    ): Promise<LimitResult>;
  };

  readonly accounts: {
    get(params?: { readonly account?: string }, options?: CallOptions): Promise<AccountDetails>;
    set(settings: AccountSettings): Promise<AccountResult>;
    list(params?: PageParams, options?: CallOptions): Promise<AccountsPage>;
  };
  readonly tokens: {
    create(params: { readonly account?: string; readonly expires_in_s?: number }): Promise<TokenResult>;
    revoke(params: { readonly account?: string; readonly token_id?: string }): Promise<void>;
  };
  readonly reports: {
    list(
      params?: PageParams & { readonly account?: string; readonly status?: readonly string[] },
      options?: CallOptions,
    ): Promise<ReportsPage>;
    retry(params: RetryReportParams): Promise<DecisionResult>;
    resolve(params: ResolveReportParams): Promise<DecisionResult>;
    explain(
      params: SubjectParams & PageParams & { readonly report: number },
      options?: CallOptions,
    ): Promise<ReportExplanation>;
  };
  readonly invoices: {
    /** Newest first, with their lines. `limit`: 1 to 100, 10 by default. */
    list(params?: PageParams & { readonly account?: string }, options?: CallOptions): Promise<InvoicesPage>;
    explain(
      params: { readonly account?: string; readonly invoice: string },
      options?: CallOptions,
    ): Promise<InvoiceExplanation>;
  };
  adjust(adjustment: Adjustment): Promise<IncrementResult>;
  reconcile(
    params?: PageParams & RangeParams & { readonly account?: string },
    options?: CallOptions,
  ): Promise<ReconciliationPage>;
}

const TIMEOUT_MS = 10_000;
const RECORDING_ATTEMPTS = 6;
const READING_ATTEMPTS = 3;

/** A client of `usage.handler`, for servers and browsers. @throws TypeError when an option is wrong. */
export function createClient(options: ClientOptions): UsageClient {
  checkOptions(options);
  const { base_url, timeout_ms = TIMEOUT_MS, max_attempts } = options;
  const send = options.fetch ?? ((url, init) => fetch(url, init));
  const authorization = createAuthorization(options);
  const transport = new Transport({ base_url, authorization, fetch: send, timeout_ms });
  const outbox = new Outbox(transport, max_attempts ?? RECORDING_ATTEMPTS);
  /** Listens from the first increment on: a client that only reads has nothing to send when the page goes away. */
  let stopListening: (() => void) | null = null;

  function read<Answer>(path: string, query?: object, call?: CallOptions): Promise<Answer> {
    return repeat({ method: 'GET', path, query: query as Query | undefined, signal: call?.signal });
  }

  /** What changes nothing. */
  function repeat<Answer>(request: TransportRequest): Promise<Answer> {
    const { signal } = request;
    return withRetries(max_attempts ?? READING_ATTEMPTS, () => transport.send<Answer>(request), signal);
  }

  /** Sent once: what became of it is not known where there is no answer, and it is not safe to repeat. */
  function write<Answer>(method: 'POST' | 'PUT', path: string, body: unknown): Promise<Answer> {
    return transport.send<Answer>({ method, path, body });
  }

  return {
    record: (increment) => {
      stopListening ??= onPageHide(() => outbox.flushLast());
      return outbox.record(increment);
    },
    flush: () => outbox.flush(),
    close: async () => {
      await outbox.flush();
      stopListening?.();
      stopListening = null;
    },
    get: (params, call) => read('/v1/usage', params, call),
    windows: (params, call) => read('/v1/usage/windows', params, call),
    cost: (params, call) => read('/v1/usage/cost', params, call),
    plans: {
      list: (call) => read('/v1/plans', {}, call),
      preview: (body, call) =>
        repeat({ method: 'POST', path: '/v1/plans/preview', body, signal: call?.signal }),
      change: (change) => write('POST', '/v1/plans/change', change),
    },
    seats: {
      get: (params, call) => read('/v1/seats', params, call),
      set: (setting) => write('PUT', '/v1/seats', setting),
      add: (added) => write('POST', '/v1/seats/add', added),
    },
    limits: { check: (params, call) => read('/v1/limits/check', params, call) },
    accounts: {
      get: (params, call) => read('/v1/account', params, call),
      set: (settings) => write('PUT', '/v1/account', settings),
      list: (params, call) => read('/v1/accounts', params, call),
    },
    tokens: {
      create: (params) => write('POST', '/v1/tokens', params),
      revoke: (params) => write('POST', '/v1/tokens/revoke', params),
    },
    reports: {
      list: (params, call) => read('/v1/reports', params, call),
      retry: (params) => write('POST', '/v1/reports/retry', params),
      resolve: (params) => write('POST', '/v1/reports/resolve', params),
      explain: (params, call) => read('/v1/explanations/report', params, call),
    },
    invoices: {
      list: (params, call) => read('/v1/invoices', params, call),
      explain: (params, call) => read('/v1/explanations/invoice', params, call),
    },
    adjust: (adjustment) => write('POST', '/v1/adjustments', adjustment),
    reconcile: (params, call) => read('/v1/reconciliation', params, call),
  };
}
