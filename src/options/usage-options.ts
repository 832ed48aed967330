import { z } from 'zod';
import type { Environment, Logger } from '../core/environment.ts';
import type { LateUsagePolicy } from '../core/late-usage.ts';
import type { Meters } from '../core/meter.ts';
import type { Plans } from '../core/plan.ts';
import { wordsOf } from '../http/input.ts';
import type { HttpSettings } from '../http/settings.ts';
import { type RateLimits, rateLimitsOf } from '../stripe/rate-limits.ts';
import type { ReportProgress } from '../worker/report-progress.ts';
import type { ScheduleInput } from '../worker/schedule.ts';
import {
  type DatabaseConfig,
  type DatabaseOptions,
  databaseOptions,
  parseDatabase,
} from './database-options.ts';
import { type HttpOptions, httpSchema, parseHttp } from './http-options.ts';
import { entryPath, invalidOption, refusalOf } from './option-refusal.ts';
import { optionName, type PlanOptions, parsePlans, plansSchema } from './plan-options.ts';

/** Options of `createUsage`. */
export interface UsageOptions<
  Meter extends string = string,
  Plan extends string = string,
  DefaultMeter extends string = string,
> {
  /**
   * Path of a SQLite file, absolute where `NODE_ENV` is `production`, `postgres://…`, the app's own `pg.Pool`, or one of
   * them with options. Undefined, as of a missing environment variable, is an error.
   */
  readonly database: DatabaseOptions | undefined;
  /** Absent: reports wait in the database, nothing is sent and nothing is lost. */
  readonly stripe?: StripeOptions;
  /** When reports are sent, besides the ends of billing periods. */
  readonly worker_schedule?: {
    /** Default: `'0 0 * * *'`, midnight UTC. */
    readonly usage?: ScheduleInput;
  };
  /** What is counted: name → options. */
  readonly meters: Readonly<Record<Meter, MeterOptions>>;
  /** The meter that a call means that names none. Default: the only meter. */
  readonly default_meter?: DefaultMeter & NoInfer<Meter>;
  /** What accounts can subscribe to: name → plan. A plan without prices is free. */
  readonly plans?: Readonly<Record<Plan, PlanOptions<NoInfer<Meter>>>>;
  /**
   * What becomes of usage with a `timestamp` whose invoice is final. `bill_next`: it is billed in the current period.
   * `reject`: the increment is refused as `late_usage`. `track`: it is kept and never billed. Default: `bill_next`.
   */
  readonly late_usage?: LateUsagePolicy;
  /**
   * How long a call that changes a subscription waits for the change, in milliseconds; the worker completes what takes
   * longer. Default: 5,000.
   */
  readonly verify_timeout_ms?: number;
  /**
   * Allows a plan change between volume pricing and other pricing of one meter, of which Stripe documents no rule.
   * Default: false.
   */
  readonly allow_tiers_mode_change?: boolean;
  /** What `usage.handler` serves, and to whom. */
  readonly http?: HttpOptions<NoInfer<Meter>>;
  /**
   * Told once of everything that fails, also of increments nobody awaits. Default: a line on standard error that names the
   * call; a warning where the caller was mistaken (`status` below 500).
   */
  readonly onError?: (error: unknown) => void;
  /** Told every ten seconds how far the report job is, while it sends. The same goes to `logger.info`. */
  readonly onProgress?: (progress: ReportProgress) => void;
  /** Default: warnings and errors as lines on standard error. A pino logger fits. */
  readonly logger?: Logger;
  /** Replaces the clock and randomness, for tests. */
  readonly environment?: Partial<Environment>;
}

export interface StripeOptions {
  /**
   * `sk_…` or a restricted key `rk_…`, a live one where `NODE_ENV` is `production`. Undefined, as of a missing environment
   * variable, is an error.
   */
  readonly secret_key: string | undefined;
  /**
   * `whsec_…` of the endpoints that Stripe sends events to, for `usage.webhook`: one, or several where snapshot and thin
   * events have their own or one is being rotated. Undefined is an error as well.
   */
  readonly webhook_secret?: string | undefined | readonly (string | undefined)[];
  /** Allows a test key where `NODE_ENV` is `production`, as in staging. Default: false. */
  readonly allow_test_key?: boolean;
  /**
   * At most so many calls a second, of every kind, from this process. Default: four fifths of what Stripe allows for the
   * key's mode; live 800 meter events, 20 for each other endpoint and 80 for those in total, with a test key 20 for
   * everything. More than the usual total says that Stripe has raised the account's limits, and raises all of ours. From
   * 10,000, and by default with a clock of your own in `environment`, nothing is limited: on one that stands still nobody's
   * turn would come.
   */
  readonly max_requests_per_second?: number;
  /** Passed on to the Stripe SDK, such as `host`, `port` and `protocol` of the simulator. */
  readonly config?: StripeClientConfig;
}

/** What may be set of the Stripe SDK's own options (its `StripeConfig`); retries are the report job's. */
export interface StripeClientConfig {
  readonly host?: string;
  readonly port?: number | string;
  readonly protocol?: 'http' | 'https';
  /** The SDK's `Stripe.createFetchHttpClient(…)` or `Stripe.createNodeHttpClient(…)`. */
  readonly httpClient?: object;
  /** `acct_…` of a connected account. */
  readonly stripeAccount?: string;
  /** Milliseconds. Default: 20,000. */
  readonly timeout?: number;
}

export interface MeterOptions {
  /** `event_name` of the meter at Stripe. Default: the meter's name. */
  readonly stripe_event_name?: string;
}

/** The options, checked and with their defaults. */
export interface UsageConfig {
  readonly database: DatabaseConfig;
  readonly stripe: CheckedStripeOptions | null;
  readonly schedule: ScheduleInput;
  readonly meters: Meters;
  /** Meter → `event_name` at Stripe. */
  readonly event_names: ReadonlyMap<string, string>;
  readonly plans: Plans;
  readonly late_usage: LateUsagePolicy;
  readonly verify_timeout_ms: number;
  readonly allow_tiers_mode_change: boolean;
  readonly http: HttpSettings;
}

interface CheckedStripeOptions {
  readonly secret_key: string;
  /** null = none. */
  readonly limits: RateLimits | null;
  /** Empty = none is set. */
  readonly webhook_secrets: readonly string[];
  readonly livemode: boolean;
  readonly config?: StripeClientConfig;
}

const DEFAULT_VERIFY_TIMEOUT_MS = 5_000;
/** No web request is kept open for longer. */
const MAX_VERIFY_TIMEOUT_MS = 120_000;
const SECRET_KEY = /^(sk|rk)_(test|live)_\w+$/;

/** Two endpoints, each with a secret that is being rotated, need four. */
const MAX_SECRETS = 10;
const NOT_POSITIVE = 'It is not above 0';
const webhookSecret = z
  .string()
  .regex(/^whsec_\w+$/, 'It is not the signing secret (whsec_…) of an endpoint');
/** The form of all options; docs/options.md is held to it. */
export const optionsSchema = z.strictObject({
  database: databaseOptions,
  stripe: z
    .strictObject({
      secret_key: z.string(),
      webhook_secret: z
        .union(
          [
            webhookSecret.transform((secret) => [secret]),
            z.array(webhookSecret).min(1).max(MAX_SECRETS, `It has more than ${MAX_SECRETS} entries`),
          ],
          'It is neither a text nor a list',
        )
        .optional(),
      allow_test_key: z.boolean().optional(),
      max_requests_per_second: z.number().positive(NOT_POSITIVE).optional(),
      config: z
        .strictObject({
          host: z.string().optional(),
          port: z.union([z.number(), z.string()], 'It is neither a number nor a text').optional(),
          protocol: z.enum(['http', 'https']).optional(),
          httpClient: z.unknown().optional(),
          stripeAccount: z.string().optional(),
          timeout: z.number().positive(NOT_POSITIVE).optional(),
        })
        .optional(),
    })
    .optional(),
  worker_schedule: z
    .strictObject({
      usage: z
        .union(
          [z.string(), z.strictObject({ cron: z.string(), time_zone: z.string().optional() })],
          'It is neither a cron pattern nor an object with one',
        )
        .optional(),
    })
    .optional(),
  meters: z.record(optionName, z.strictObject({ stripe_event_name: z.string().min(1).max(100).optional() })),
  default_meter: z.string().optional(),
  plans: plansSchema.optional(),
  late_usage: z.enum(['bill_next', 'reject', 'track']).optional(),
  verify_timeout_ms: z.int().min(0).max(MAX_VERIFY_TIMEOUT_MS).optional(),
  allow_tiers_mode_change: z.boolean().optional(),
  http: httpSchema.optional(),
  onError: z.function().optional(),
  onProgress: z.function().optional(),
  logger: z.looseObject({}).optional(),
  environment: z.looseObject({}).optional(),
});

const DEFAULT_SCHEDULE = '0 0 * * *';

/**
 * Checks the options of `createUsage` at once, so that a mistake shows when the app starts.
 *
 * @throws UsageError `invalid_configuration`, `invalid_price`.
 */
export function parseOptions(options: UsageOptions, isProduction: boolean): UsageConfig {
  refuseEmpty(options, '');
  const result = optionsSchema.safeParse(options, { error: wordsOf });
  if (!result.success) throw refusalOf(result.error, options);
  const parsed = result.data;
  const names = Object.keys(parsed.meters);
  const meters = { names: new Set(names), default_meter: defaultMeter(names, parsed.default_meter) };
  return {
    database: parseDatabase(parsed.database, isProduction),
    stripe: options.stripe
      ? parseStripe(options.stripe, parsed.stripe?.webhook_secret ?? [], {
          isProduction,
          hasOwnClock: options.environment?.clock !== undefined,
        })
      : null,
    schedule: options.worker_schedule?.usage ?? DEFAULT_SCHEDULE,
    meters,
    event_names: new Map(
      Object.entries(parsed.meters).map(([name, meter]) => [name, meter.stripe_event_name ?? name]),
    ),
    plans: parsePlans(options.plans ?? {}, meters),
    late_usage: parsed.late_usage ?? 'bill_next',
    verify_timeout_ms: parsed.verify_timeout_ms ?? DEFAULT_VERIFY_TIMEOUT_MS,
    allow_tiers_mode_change: parsed.allow_tiers_mode_change ?? false,
    http: parseHttp(parsed.http ?? {}, meters),
  };
}

/** An environment variable that is not set must not quietly choose a default where billing data goes. */
function refuseEmpty(value: unknown, path: string): void {
  if (value === undefined || value === '') {
    const reason =
      value === ''
        ? 'It is empty: is an environment variable set to nothing?'
        : 'It has no value: is an environment variable missing?';
    throw invalidOption(path, reason, 'Give it one, or leave it out where it is optional.');
  }
  if (typeof value !== 'object' || value === null) return;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null && !Array.isArray(value)) return;
  for (const [key, entry] of Object.entries(value)) {
    refuseEmpty(entry, entryPath(path, Array.isArray(value) ? Number(key) : key));
  }
}

function defaultMeter(names: readonly string[], configured: string | undefined): string | null {
  if (names.length === 0) throw invalidOption('meters', 'At least one meter is needed.');
  if (configured === undefined) return names.length === 1 ? (names[0] ?? null) : null;
  if (names.includes(configured)) return configured;
  throw invalidOption('default_meter', `It is not one of the meters: ${names.join(', ')}.`);
}

function parseStripe(
  stripe: StripeOptions,
  webhook_secrets: readonly string[],
  { isProduction, hasOwnClock }: { readonly isProduction: boolean; readonly hasOwnClock: boolean },
): CheckedStripeOptions {
  const { secret_key = '', config } = stripe;
  const mode = SECRET_KEY.exec(secret_key)?.[2];
  if (mode === undefined) {
    throw invalidOption(
      'stripe.secret_key',
      'It is not a secret key (sk_…) or a restricted key (rk_…) of Stripe.',
    );
  }
  if (isProduction && mode === 'test' && !stripe.allow_test_key) {
    throw invalidOption(
      'stripe.secret_key',
      'It is a test key and NODE_ENV is production.',
      'Use the live key, or set `stripe.allow_test_key: true` where nothing is billed, as in staging.',
    );
  }
  const limits = rateLimitsOf({
    mode: mode === 'live' ? 'live' : 'test',
    is_connected: config?.stripeAccount !== undefined,
    // On a clock that stands still nobody's turn would ever come.
    max_requests_per_second:
      stripe.max_requests_per_second ?? (hasOwnClock ? Number.POSITIVE_INFINITY : null),
  });
  const livemode = mode === 'live';
  return { secret_key, limits, webhook_secrets, livemode, ...(config ? { config } : {}) };
}
