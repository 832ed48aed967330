/**
 * Every error that Tallybook raises, in one table: `code` is the contract, `status` is the HTTP status that a
 * route handler should answer with, `meaning` and `remedy` are for people. `docs/errors.md` is held to it by a test.
 */
export const ERRORS = {
  invalid_account: {
    status: 400,
    meaning: 'The account id is not usable as an id.',
    remedy:
      'Pass your own id of the account: a string of 1 to 255 characters without blanks at its ends and without control characters.',
  },
  invalid_meter: {
    status: 400,
    meaning: 'The meter is not one of the configured meters.',
    remedy: 'Pass one of the names under `meters` in createUsage().',
  },
  meter_required: {
    status: 400,
    meaning: 'Several meters are configured and the call names none.',
    remedy: 'Pass `meter`, or set `default_meter` in createUsage().',
  },
  invalid_quantity: {
    status: 400,
    meaning: 'The quantity is not a whole number from 0 to 999,999,999,999,999.',
    remedy: 'Pass a whole number; to count fractions, count a smaller unit.',
  },
  invalid_idempotency_key: {
    status: 400,
    meaning: 'The idempotency key is not usable as a key.',
    remedy:
      'Pass a string of 1 to 255 characters that is unique to the increment, such as the id of the request.',
  },
  invalid_timestamp: {
    status: 400,
    meaning: 'The timestamp is not an instant between 35 days ago and 5 minutes ahead.',
    remedy:
      "Pass a Date or an ISO 8601 instant with its zone, such as '2026-10-10T12:00:00Z', within that window.",
  },
  invalid_properties: {
    status: 400,
    meaning: 'The properties are not a small, flat object.',
    remedy:
      'Pass an object of at most 50 entries whose values are strings, finite numbers, booleans or null (8 KB as JSON).',
  },
  invalid_reason: {
    status: 400,
    meaning: 'The reason is not a text of 1 to 500 characters.',
    remedy: 'Say in a sentence why it is decided: it is kept for good.',
  },
  invalid_actor: {
    status: 400,
    meaning: 'The actor is not usable as a name.',
    remedy: 'Pass who decided it as a string of 1 to 255 characters, or leave it out.',
  },
  invalid_period: {
    status: 400,
    meaning: 'The range is not two dates with the first before the second.',
    remedy:
      "Pass both `period_start` and `period_end` as a Date, '2026-10-10' (UTC midnight) or an ISO 8601 instant with its zone.",
  },
  invalid_plan: {
    status: 400,
    meaning: 'The plan is not one of the configured plans.',
    remedy: 'Pass one of the names under `plans` in createUsage().',
  },
  invalid_stripe_customer: {
    status: 400,
    meaning: 'The Stripe customer is not a Stripe customer id.',
    remedy: "Pass the customer's id as Stripe shows it: 'cus_…'.",
  },
  invalid_parameter: {
    status: 400,
    meaning: 'A parameter is unknown, missing or of the wrong kind.',
    remedy:
      "Check the call against the method's documentation; unknown fields are refused so that a typo loses nothing.",
  },
  invalid_price: {
    status: 400,
    meaning: 'The price cannot be rated.',
    remedy: "Describe it in Stripe's field names, as `plans.<name>.prices` takes them.",
  },
  account_not_found: {
    status: 404,
    meaning: 'The account does not exist.',
    remedy: 'Create it with usage.accounts.set(), or by its first increment.',
  },
  report_not_found: {
    status: 404,
    meaning: 'The account has no report of this number.',
    remedy: 'Pass a number that usage.reports.list() or usage.get() shows, with its meter.',
  },
  invoice_not_found: {
    status: 404,
    meaning: 'The account has no invoice of this id at Stripe.',
    remedy: "Pass an id that Stripe shows for the account's customer: 'in_…'.",
  },
  webhook_event_not_parked: {
    status: 404,
    meaning: 'No event of this id is parked.',
    remedy: 'Look at usage.webhooks.list({ status: "parked" }); others are handled by themselves.',
  },
  idempotency_conflict: {
    status: 409,
    meaning: 'The idempotency key was used before with another quantity, timestamp or properties.',
    remedy: 'Use a new key for a new increment; repeat an increment with exactly the same content.',
  },
  late_usage: {
    status: 422,
    meaning: 'The usage is too late: the invoice of its billing period may be final.',
    remedy: "Record usage as it happens, or set `late_usage: 'bill_next'` in createUsage().",
  },
  subscription_not_found: {
    status: 409,
    meaning: 'No subscription at Stripe bills the account.',
    remedy: 'Subscribe it first: usage.subscriptions.checkout() or usage.subscriptions.create().',
  },
  already_subscribed: {
    status: 409,
    meaning: 'A subscription at Stripe bills the account already.',
    remedy: 'Change its plan with usage.plans.change(): a second subscription would bill all usage twice.',
  },
  several_subscriptions: {
    status: 409,
    meaning: 'Several subscriptions at Stripe bill the account at once.',
    remedy: 'End all but one of them at Stripe: each of them bills all usage.',
  },
  change_pending: {
    status: 409,
    meaning: 'Another change of the subscription is under way.',
    remedy: 'Wait until usage.subscriptions.lastChange() says that it is over; the worker completes it.',
  },
  collection_paused: {
    status: 409,
    meaning:
      'The collection of payments is paused, so that the invoice of the change would stay a draft that nobody pays.',
    remedy: 'Resume it first: usage.subscriptions.resume().',
  },
  subscription_ending: {
    status: 409,
    meaning: 'The subscription is about to end: paused, its last invoice would stay a draft.',
    remedy: 'Take the cancellation back first: usage.subscriptions.resume().',
  },
  usage_unproven: {
    status: 409,
    meaning:
      'Stripe has not counted in a day what was used until the change was asked for; nothing was changed.',
    remedy: 'Look at usage.reports.list() for what holds it, resolve that, and ask again.',
  },
  tiers_mode_change: {
    status: 422,
    meaning: 'The plans price the same meter in different ways: one by volume, the other not.',
    remedy:
      "Give both prices `tiers_mode: 'volume'` (a single tier up to 'inf' for a flat price), or set `allow_tiers_mode_change`.",
  },
  classic_subscription: {
    status: 409,
    meaning: 'The subscription is in classic billing mode, in which Stripe drops usage when a price changes.',
    remedy: 'Let it be migrated to flexible billing mode: pass `migrate: true`. It cannot be taken back.',
  },
  seats_not_sold: {
    status: 409,
    meaning: "The account's plan has no price of seats.",
    remedy: "Add a price with `usage_type: 'licensed', quantity: 'seats'` to the plan, or change the plan.",
  },
  seats_changed: {
    status: 409,
    meaning: 'The number of seats is another one than was expected.',
    remedy: 'Read it with usage.seats.get() and decide again, or call usage.seats.add().',
  },
  price_not_found: {
    status: 409,
    meaning: 'Stripe has no active price for the plan.',
    remedy: "Run 'tallybook push', or name the price under `stripe_price` in the plan.",
  },
  stripe_mode_mismatch: {
    status: 409,
    meaning: 'The object exists in the other mode of Stripe than the configured key.',
    remedy: 'Use the live key with live objects and the test key with test objects.',
  },
  currency_mismatch: {
    status: 409,
    meaning: "The plan is in another currency than the customer's subscription.",
    remedy: 'Offer the plan in that currency, or end the subscription and subscribe anew.',
  },
  payment_method_missing: {
    status: 402,
    meaning: 'The customer has no payment method that Stripe could charge.',
    remedy: 'Send the customer to usage.subscriptions.checkout() or usage.subscriptions.portal().',
  },
  payment_failed: {
    status: 402,
    meaning: 'The payment was refused.',
    remedy: 'Let the customer choose another payment method: usage.subscriptions.portal().',
  },
  payment_action_required: {
    status: 402,
    meaning: 'The customer must confirm the payment (3-D Secure).',
    remedy: 'Send the customer to the hosted invoice that usage.subscriptions.get() shows.',
  },
  stripe_customer_deleted: {
    status: 409,
    meaning: 'The Stripe customer of the account does not exist, or was deleted.',
    remedy: 'Link the account to another customer: usage.accounts.set({ account, stripe_customer }).',
  },
  stripe_refused: {
    status: 502,
    meaning: 'Stripe refused the request.',
    remedy: "Read Stripe's own words in the message; `tallybook doctor` checks the usual causes.",
  },
  report_not_decidable: {
    status: 409,
    meaning: 'Nothing is to be decided about this report, or not in this way.',
    remedy: 'Look at usage.reports.list(): it says of each report what can be done.',
  },
  nothing_to_bill: {
    status: 409,
    meaning: 'Nothing that a change left off its invoice is to be billed in this billing period.',
    remedy: 'Look at usage.reconcile(): `unflushed_change` shows what is not billed, with its amount.',
  },
  customer_changed: {
    status: 409,
    meaning: 'The usage was counted for a Stripe customer that the account had before; nothing was billed.',
    remedy: 'Look at the invoices of that customer at Stripe, and bill there what they miss.',
  },
  amount_changed: {
    status: 409,
    meaning: 'The amount to bill is another one than was expected; nothing was billed.',
    remedy: 'Look at usage.reconcile() again, and bill the amount that it shows now.',
  },
  stripe_customer_taken: {
    status: 409,
    meaning: 'Another account is linked to this Stripe customer.',
    remedy:
      'Link each account to a Stripe customer of its own: Stripe bills all usage of a customer together.',
  },
  quantity_overflow: {
    status: 422,
    meaning: 'A total is too large to be exact.',
    remedy: 'Count a larger unit, or ask for a shorter period.',
  },
  amount_overflow: {
    status: 422,
    meaning: 'An amount of money is too large to be exact.',
    remedy: 'Check the quantity and the price.',
  },
  invalid_configuration: {
    status: 500,
    meaning: 'An option of createUsage() or a setting of a command is missing or wrong.',
    remedy: 'Correct what is named.',
  },
  schema_too_new: {
    status: 500,
    meaning: 'The database was migrated by a newer version of Tallybook.',
    remedy: 'Install that version or a later one; an older version could corrupt the data.',
  },
  storage_failed: {
    status: 500,
    meaning: 'The database refused or failed; nothing of this call was recorded.',
    remedy: 'Repeat the call once the database works again; its own error is in `cause`.',
  },
  closed: {
    status: 503,
    meaning: 'The usage object was closed.',
    remedy: 'Call close() last, when the process no longer takes requests.',
  },
  stripe_unavailable: {
    status: 503,
    meaning: 'Stripe could not be read.',
    remedy: 'Try again later; if Stripe is not configured, set `stripe` in createUsage().',
  },
  overloaded: {
    status: 503,
    meaning:
      'More increments, or events of Stripe’s, wait than there is room for; this one was not recorded.',
    remedy: 'Slow down or retry later, with an idempotency key.',
  },
  transaction_unsupported: {
    status: 500,
    meaning: 'The database is SQLite: usage cannot be recorded inside a transaction of the app.',
    remedy: 'Leave `transaction` out, or use PostgreSQL.',
  },
  invalid_transaction: {
    status: 500,
    meaning: 'The transaction is not one that Tallybook knows how to use.',
    remedy:
      'Pass a `pg` client inside BEGIN … COMMIT, a Kysely transaction or a Drizzle transaction (node-postgres).',
  },
  usage_archived: {
    status: 410,
    meaning: 'The range cuts through usage that retention has taken out of the ledger.',
    remedy: 'Ask for whole billing periods, or attach the archived part of the ledger again.',
  },
  storage_unsafe: {
    status: 500,
    meaning: 'The database server acknowledges commits before they are on disk; nothing was recorded.',
    remedy:
      'Turn `fsync` and `synchronous_commit` on, or set `allow_unsafe` where losing usage does not matter.',
  },
  storage_busy: {
    status: 503,
    meaning: 'The database is locked by another process for too long; nothing of this call was recorded.',
    remedy: 'Retry; if it persists, look for a process that holds a transaction open on the database.',
  },
  invalid_window: {
    status: 400,
    meaning: 'The windows cannot be computed.',
    remedy:
      "Pass `window` as 'hour', 'day' or 'month', `time_zone` as an IANA name such as 'Europe/Berlin', and a range of at most 1,000 windows.",
  },
  invalid_json: {
    status: 400,
    meaning: 'The body is not the JSON that is expected.',
    remedy: 'Send UTF-8 JSON, every field once, nested at most 32 levels.',
  },
  invalid_cloud_event: {
    status: 400,
    meaning: 'The event is not a CloudEvent that is mapped to a meter.',
    remedy:
      'Send `specversion` 1.0, `id`, `source`, `type` and `subject`; map its type under `http.cloud_events`.',
  },
  invalid_webhook: {
    status: 400,
    meaning: 'The event could not be verified as one of Stripe’s.',
    remedy: 'Set the signing secret of the endpoint under `stripe.webhook_secret`, and pass on the raw body.',
  },
  unauthenticated: {
    status: 401,
    meaning: 'The request has no valid API key or token.',
    remedy: 'Send `Authorization: Bearer …` with a key of `tallybook keys create` that has not ended.',
  },
  forbidden: {
    status: 403,
    meaning: 'The key or token may not do this.',
    remedy: 'Use a key that has the scope which the documentation of the route names.',
  },
  route_not_found: {
    status: 404,
    meaning: 'There is no such route.',
    remedy: 'See openapi.json, where the API is mounted, for the routes that there are.',
  },
  api_key_not_found: {
    status: 404,
    meaning: 'There is no API key of this id that could be changed.',
    remedy: 'Pass an id that `tallybook keys list` shows and that has not ended.',
  },
  method_not_allowed: {
    status: 405,
    meaning: 'The route does not know this method.',
    remedy: 'Use one of the methods in the header Allow.',
  },
  request_timeout: {
    status: 408,
    meaning: 'The request did not arrive in time.',
    remedy: 'Send it again, faster or smaller.',
  },
  body_too_large: {
    status: 413,
    meaning: 'The body is larger than 1 MB.',
    remedy: 'Send less at once.',
  },
  batch_too_large: {
    status: 413,
    meaning: 'The batch has more than 1,000 items.',
    remedy: 'Send several batches.',
  },
  unsupported_media_type: {
    status: 415,
    meaning: 'The body is not of a type that the route reads, or it is compressed.',
    remedy: 'Send plain JSON, with the `Content-Type` that the documentation of the route names.',
  },
  rate_limited: {
    status: 429,
    meaning: 'The key, or the address, has made too many requests.',
    remedy: 'Wait as long as the header Retry-After says, and send batches.',
  },
  not_ready: {
    status: 503,
    meaning: 'The database does not answer.',
    remedy: 'Wait until it does: requests that need it would fail.',
  },
  internal_error: {
    status: 500,
    meaning: 'Something failed that should not.',
    remedy: 'Repeat the request; if it persists, tell the operator its request id.',
  },
} as const satisfies Record<string, { status: number; meaning: string; remedy: string }>;

/** What went wrong, as a stable word to switch on. The full list with remedies is in `docs/errors.md`. */
export type UsageErrorCode = keyof typeof ERRORS;

/** What an error is about, beyond its code. */
export interface UsageErrorDetails {
  /** The parameter or option that is wrong, as the caller wrote it: `'quantity'`, `'plans.pro.prices[0].tiers'`. */
  readonly field?: string;
  /** The value that was refused. Secrets are never put here. */
  readonly value?: unknown;
  /** What is wrong in this case; default: the code's general meaning. */
  readonly reason?: string;
  /** What to do in this case; default: the code's general remedy. */
  readonly remedy?: string;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** The one error class of Tallybook: every promise that it rejects, rejects with a `UsageError`. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** Stable word to switch on. */
  readonly code: UsageErrorCode;
  /** HTTP status that fits. */
  readonly status: number;
  /** What the caller can do about it. */
  readonly remedy: string;
  /** The parameter or option that is wrong, if it is about one. */
  readonly field: string | undefined;
  /** The refused value, shortened to a readable text, if it is about one. */
  readonly value: string | undefined;

  constructor(code: UsageErrorCode, details: UsageErrorDetails = {}) {
    const { status, meaning } = ERRORS[code];
    const remedy = details.remedy ?? ERRORS[code].remedy;
    const value = 'value' in details ? describeValue(details.value) : undefined;
    const subject =
      details.field === undefined ? '' : `${details.field}${value === undefined ? '' : ` ${value}`}: `;
    super(
      `${subject}${details.reason ?? meaning} ${remedy}`,
      details.cause === undefined ? {} : { cause: details.cause },
    );
    this.code = code;
    this.status = status;
    this.remedy = remedy;
    this.field = details.field;
    this.value = value;
  }
}

const SHOWN_VALUE_LENGTH = 80;

/** A short text that shows a refused value as the caller would write it; safe for any value. */
function describeValue(value: unknown): string {
  const text = literal(value);
  return text.length > SHOWN_VALUE_LENGTH ? `${text.slice(0, SHOWN_VALUE_LENGTH)}…` : text;
}

function literal(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, SHOWN_VALUE_LENGTH * 2));
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function' || typeof value === 'symbol') return typeof value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
