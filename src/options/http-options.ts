import { z } from 'zod';
import { UsageError } from '../core/errors.ts';
import type { Meters } from '../core/meter.ts';
import type { CloudEventRule } from '../http/cloud-events.ts';
import type { HttpSettings } from '../http/settings.ts';
import type { UsagePageSettings } from '../http/usage-page.ts';
import { type UsagePageOptions, usagePageSchema } from './usage-page-options.ts';

/** Options of `usage.handler`. */
export interface HttpOptions<Meter extends string = string> {
  /** What stands before every path where the handler is mounted and the path is not taken off. Default: `'/'`. */
  readonly base_path?: string;
  /**
   * What browser tokens are signed with: at least 32 bytes that nobody guesses, the same in every process of the app.
   * Default: there are no browser tokens. Undefined, as of a missing environment variable, is an error.
   */
  readonly token_secret?: string | undefined;
  /**
   * Origins of the app's pages, such as `'https://app.example.com'`: they may read answers, and keys that are restricted to
   * an account can have customers sent back to them, from Checkout and the portal, and nowhere else. Default: none.
   */
  readonly allowed_origins?: readonly string[];
  /** Requests within a second, in this process. */
  readonly rate_limits?: {
    /** Of one key, or of one account's tokens; false = any number. Default: 1,000. */
    readonly per_key?: number | false;
    /** Of one address, of IPv6 of one network of 64 bits, where it is known; false = any number. Default: 1,000. */
    readonly per_ip?: number | false;
    /**
     * Of one account's browser tokens, of what has to be asked of Stripe (invoices, seats, previews of plans), whose own
     * limits the report job shares; false = any number. Default: 5.
     */
    readonly stripe?: number | false;
  };
  /**
   * Header in which a proxy that stands before every request names the client's address, such as `'x-forwarded-for'` (its
   * last entry). Where it names none, and by default, the address is that of the connection, where `toNodeHandler` or
   * `tallybook serve` knows it.
   */
  readonly client_ip_header?: string;
  /**
   * Serves the customer's usage page at `/usage`: a customer gets in with a browser token in the fragment,
   * `/usage#token=…`. It needs `token_secret`. Default: false.
   */
  readonly usage_page?: boolean | UsagePageOptions<Meter>;
  /**
   * What CloudEvents count, by their `type`. Default: an event whose type is the name of a meter counts `data.quantity`
   * units, or 1, of the account in `subject`.
   */
  readonly cloud_events?: Readonly<Record<string, CloudEventOptions<Meter>>>;
}

export interface CloudEventOptions<Meter extends string = string> {
  readonly meter: Meter;
  /** Where the account's id is: `'subject'`, or a path such as `'data.customer.id'`. Default: `'subject'`. */
  readonly account?: string;
  /** A path such as `'data.tokens'`, or a number that every event counts. Default: `data.quantity`, or 1 without one. */
  readonly quantity?: string | number;
}

const MIN_SECRET_BYTES = 32;
const DEFAULT_LIMIT = 1_000;
const DEFAULT_STRIPE_LIMIT = 5;
const MAX_QUANTITY = 999_999_999_999_999;

const path = z.string().regex(/^data(\.[^.]+)+$/, "It is not a path such as 'data.tokens'");
const limit = z.union([z.int().min(1), z.literal(false)], 'It is neither a whole number nor false');
export const httpSchema = z.strictObject({
  base_path: z
    .string()
    .regex(/^\/([\w.~-]+(\/[\w.~-]+)*)?$/, "It is not a path such as '/billing'")
    .optional(),
  token_secret: z
    .string()
    .refine((secret) => Buffer.byteLength(secret) >= MIN_SECRET_BYTES, 'It is shorter than 32 bytes')
    .optional(),
  allowed_origins: z
    .array(z.string().refine(isOrigin, "It is not an origin such as 'https://app.example.com'"))
    .optional(),
  rate_limits: z
    .strictObject({ per_key: limit.optional(), per_ip: limit.optional(), stripe: limit.optional() })
    .optional(),
  client_ip_header: z
    .string()
    .regex(/^[\w-]+$/, 'It is not the name of a header')
    .optional(),
  usage_page: usagePageSchema.optional(),
  cloud_events: z
    .record(
      z.string(),
      z.strictObject({
        meter: z.string(),
        account: z.union([z.literal('subject'), path], "It is neither 'subject' nor a path").optional(),
        quantity: z
          .union([path, z.int().min(0).max(MAX_QUANTITY)], 'It is neither a path nor a whole number')
          .optional(),
      }),
    )
    .optional(),
});

/**
 * The options of the handler, whose shape {@link httpSchema} has checked, with their defaults.
 *
 * @throws UsageError `invalid_configuration`.
 */
export function parseHttp(options: z.output<typeof httpSchema>, meters: Meters): HttpSettings {
  const { base_path = '/', token_secret, allowed_origins = [], rate_limits = {}, client_ip_header } = options;
  const rules = new Map<string, CloudEventRule>();
  for (const [type, rule] of Object.entries(options.cloud_events ?? {})) {
    if (!meters.names.has(rule.meter)) {
      const reason = `It must be one of the meters: ${[...meters.names].join(', ')}.`;
      throw new UsageError('invalid_configuration', { field: `http.cloud_events.${type}.meter`, reason });
    }
    rules.set(type, {
      meter: rule.meter,
      account: rule.account ?? 'subject',
      quantity: rule.quantity ?? null,
    });
  }
  return {
    base_path: base_path === '/' ? '' : base_path,
    token_secret: token_secret ?? null,
    allowed_origins: new Set(allowed_origins),
    rate_limits: {
      per_key: limitOf(rate_limits.per_key),
      per_ip: limitOf(rate_limits.per_ip),
      stripe: limitOf(rate_limits.stripe, DEFAULT_STRIPE_LIMIT),
    },
    client_ip_header: client_ip_header ?? null,
    usage_page: parseUsagePage(options, meters),
    cloud_events: rules,
  };
}

/** null = it is not served. @throws UsageError `invalid_configuration`. */
function parseUsagePage(
  { usage_page = false, token_secret }: z.output<typeof httpSchema>,
  meters: Meters,
): UsagePageSettings | null {
  if (usage_page === false) return null;
  const settings = usage_page === true ? {} : usage_page;
  if (token_secret === undefined) {
    const reason = 'Customers get in with browser tokens: set http.token_secret.';
    throw new UsageError('invalid_configuration', { field: 'http.usage_page', reason });
  }
  for (const meter of Object.keys(settings.units ?? {})) {
    if (meters.names.has(meter)) continue;
    const reason = `It must be one of the meters: ${[...meters.names].join(', ')}.`;
    throw new UsageError('invalid_configuration', { field: `http.usage_page.units.${meter}`, reason });
  }
  return settings;
}

/** false = any number. */
function limitOf(requests: number | false | undefined, limit = DEFAULT_LIMIT): number | null {
  return requests === false ? null : (requests ?? limit);
}

/** As a browser writes it: with nothing after the host and port. */
function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}
