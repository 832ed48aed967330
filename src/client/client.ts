import type * as Wire from './wire.ts';

/** The account. A browser token, or a key for one account, says it by itself. */
export interface AccountParams {
  readonly account?: string | undefined;
}

/** Whose usage, of which meter. */
export interface SubjectParams extends AccountParams {
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

export interface CallOptions {
  /** Ends the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The HTTP API of `usage.handler`, typed: what is called the same in `usage` does the same. Every method rejects with a
 * `RequestError`.
 */
export interface UsageClient {
  /**
   * Counts usage, by one unless `quantity` says otherwise. Resolves when the server has it, durably. Calls that are made
   * together, or while a request is under way, share a request. It is repeated with the same idempotency key when there is
   * no answer, and so counts once; at most 10,000 calls wait.
   */
  record(increment: Wire.Increment): Promise<Wire.IncrementResult>;
  /** Resolves when no recorded increment waits any more, whatever became of it. */
  flush(): Promise<void>;
  /** Flushes, and no longer listens to whether the page is hidden. */
  close(): Promise<void>;

  /** Usage of the current billing period, or of a range. Per meter, where there are several and `meter` names none. */
  get(
    params?: SubjectParams & RangeParams,
    options?: CallOptions,
  ): Promise<Wire.UsageResult | Wire.UsageByMeterResult>;
  windows(params: WindowsParams, options?: CallOptions): Promise<Wire.UsageWindowsResult>;
  /** What the current billing period costs so far, with the price, its tiers and the limit. */
  cost(params?: SubjectParams, options?: CallOptions): Promise<Wire.CostResult>;
  readonly limits: {
    /** To be asked before the work; `quantity` is 1 by default. */
    check(
      params?: SubjectParams & { readonly quantity?: number },
      options?: CallOptions,
    ): Promise<Wire.LimitResult>;
  };
  readonly invoices: {
    /** Newest first, with their lines. `limit`: 1 to 100, 10 by default. */
    list(params?: PageParams & AccountParams, options?: CallOptions): Promise<Wire.InvoicesPage>;
    explain(
      params: AccountParams & { readonly invoice: string },
      options?: CallOptions,
    ): Promise<Wire.InvoiceExplanation>;
  };

  readonly plans: {
    list(options?: CallOptions): Promise<Wire.PlansResult>;
    /** What a change would cost. Nothing is changed. */
    preview(change: Wire.PreviewedChange, options?: CallOptions): Promise<Wire.PlanPreview>;
    change(change: Wire.PlanChange): Promise<Wire.ChangeResult>;
  };
  readonly subscriptions: {
    get(params?: AccountParams, options?: CallOptions): Promise<Wire.Subscription>;
    /** null = no change was ever asked for. */
    lastChange(params?: AccountParams, options?: CallOptions): Promise<Wire.ChangeResult | null>;
    /** With the payment method that the customer has. It is repeated when there is no answer, and subscribes once. */
    create(subscription: Wire.NewSubscription): Promise<Wire.Subscription>;
    checkout(checkout: Wire.Checkout): Promise<Wire.CheckoutResult>;
    portal(portal: Wire.Portal): Promise<Wire.PortalResult>;
    cancel(cancellation: Wire.Cancellation): Promise<Wire.ChangeResult>;
    resume(params: AccountParams): Promise<void>;
    pause(params: AccountParams): Promise<void>;
    /** It is repeated when there is no answer, and bills once. */
    billUnflushed(bill: Wire.UnflushedBill): Promise<Wire.UnflushedBillResult>;
  };
  readonly seats: {
    get(params?: AccountParams, options?: CallOptions): Promise<Wire.SeatsResult>;
    set(setting: Wire.SeatsSetting): Promise<Wire.SeatsResult>;
    add(added: Wire.SeatsAdded): Promise<Wire.SeatsResult>;
  };

  readonly accounts: {
    get(params?: AccountParams, options?: CallOptions): Promise<Wire.AccountDetails>;
    set(settings: Wire.AccountSettings): Promise<Wire.AccountResult>;
    /** Reads from Stripe now what bills the account. */
    sync(params: AccountParams): Promise<Wire.Subscription>;
    list(params?: PageParams, options?: CallOptions): Promise<Wire.AccountsPage>;
  };
  readonly tokens: {
    create(token: Wire.NewToken): Promise<Wire.TokenResult>;
    revoke(revocation: Wire.TokenRevocation): Promise<void>;
  };

  readonly reports: {
    list(
      params?: PageParams & AccountParams & { readonly status?: readonly string[] },
      options?: CallOptions,
    ): Promise<Wire.ReportsPage>;
    retry(params: Wire.RetryReportParams): Promise<Wire.DecisionResult>;
    resolve(params: Wire.ResolveReportParams): Promise<Wire.DecisionResult>;
    explain(
      params: SubjectParams & PageParams & { readonly report: number },
      options?: CallOptions,
    ): Promise<Wire.ReportExplanation>;
  };
  /** Corrects usage. Like an increment it has an idempotency key, with which it is repeated, and counts once. */
  adjust(adjustment: Wire.Adjustment): Promise<Wire.IncrementResult>;
  reconcile(
    params?: PageParams & RangeParams & AccountParams,
    options?: CallOptions,
  ): Promise<Wire.ReconciliationPage>;
  /** The events that Stripe sent. */
  readonly webhooks: {
    list(
      params?: PageParams & { readonly status?: 'pending' | 'handled' | 'parked' },
      options?: CallOptions,
    ): Promise<Wire.WebhooksPage>;
    retry(params: Wire.WebhookRetry): Promise<void>;
  };
}
