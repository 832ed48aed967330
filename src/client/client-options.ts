/** Options of {@link createClient}. At most one of `token`, `api_key` and `getToken`. */
export interface ClientOptions {
  /** Where `usage.handler` is mounted: `'https://app.example.com/billing'`, or in a browser also a path. */
  readonly base_url: string;
  /** A browser token, from `usage.tokens.create`. It is good for at most 15 minutes; see `getToken`. */
  readonly token?: string;
  /** A key, for servers only: it is refused in a browser, where everybody can read it. */
  readonly api_key?: string;
  /** Asked for a browser token before the first request, when the last one ends, and when the server refuses it. */
  readonly getToken?: () => string | Promise<string>;
  /** Default: the global one. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** How long one attempt may take, and `getToken`, in milliseconds, from 1. Default: 10,000. */
  readonly timeout_ms?: number;
  /** How often a request is tried that may be repeated, from 1. Default: 6 for recording, 3 for reading. */
  readonly max_attempts?: number;
  /** The same for `GET` requests alone, such as of a page that asks again by itself. Default: `max_attempts`. */
  readonly max_read_attempts?: number;
}

const AUTHORIZATIONS = ['token', 'api_key', 'getToken'] as const;

/** @throws TypeError that names the option. */
export function checkOptions(options: ClientOptions): void {
  const { base_url, timeout_ms = 1 } = options;
  if (typeof base_url !== 'string' || base_url === '') throw new TypeError('base_url: It is missing.');
  const given = AUTHORIZATIONS.filter((name) => name in options);
  if (given.length > 1) throw new TypeError(`${given.join(', ')}: Pass one of them.`);
  for (const name of given) {
    if (!options[name])
      throw new TypeError(`${name}: It is there and empty. Is an environment variable missing?`);
  }
  if (options.api_key !== undefined && isBrowser()) {
    throw new TypeError(
      'api_key: Everybody can read a key in a browser. Use getToken with tokens of your server.',
    );
  }
  if (!(timeout_ms >= 1)) throw new TypeError('timeout_ms: It is not a number of milliseconds from 1.');
  for (const name of ['max_attempts', 'max_read_attempts'] as const) {
    const { [name]: attempts = 1 } = options;
    if (!(Number.isInteger(attempts) && attempts >= 1))
      throw new TypeError(`${name}: It is not a whole number from 1.`);
  }
}

function isBrowser(): boolean {
  return typeof document !== 'undefined';
}
