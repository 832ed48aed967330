import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createUsage, type HttpOptions, type Scope, type UsageOptions } from '../../src/index.ts';
import { createMovableClock, type MovableClock } from '../../src/testing/movable-clock.ts';
import { temporaryDirectory } from '../support/folders.ts';

export const START = Date.UTC(2026, 0, 10, 12);
export const TOKEN_SECRET = 'a secret of more than thirty-two bytes';
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

export interface ServedOptions {
  readonly http?: HttpOptions<'credits'>;
  readonly options?: Partial<UsageOptions<'credits', string>>;
  /** Default: one of its own. */
  readonly clock?: MovableClock;
  /** Takes what ends it. Default: it ends with the test. */
  readonly whenDone?: (end: () => Promise<void>) => void;
}

/** The product behind its handler, on an embedded database and a clock that stands still. */
export function createServed({
  http = {},
  options = {},
  clock = createMovableClock({ start: START }),
  whenDone = onTestFinished,
}: ServedOptions = {}) {
  const errors: unknown[] = [];
  const usage = createUsage({
    database: { path: join(temporaryDirectory(), 'usage.db'), thread: 'in_thread' },
    meters: { credits: {} },
    plans: {
      free: { prices: [], limits: { credits: 100 } },
      pro: {
        prices: [
          { currency: 'usd', interval: 'month', usage_type: 'licensed', unit_amount_decimal: '500' },
          {
            currency: 'usd',
            interval: 'month',
            tiers_mode: 'volume',
            tiers: [
              { up_to: 1_000, unit_amount_decimal: '2' },
              { up_to: 'inf', unit_amount_decimal: '1.5' },
            ],
          },
        ],
      },
      secret: { listed: false, prices: [] },
    },
    http: { token_secret: TOKEN_SECRET, ...http },
    logger: quiet,
    onError: (error) => errors.push(error),
    environment: { clock },
    ...options,
  });
  whenDone(() => usage.close());

  /** A key as it is sent. */
  async function createKey(scopes: readonly Scope[], account?: string): Promise<string> {
    const { secret } = await usage.keys.create({ scopes, ...(account === undefined ? {} : { account }) });
    return secret;
  }

  return { usage, clock, errors, createKey, ...clientOf((request) => usage.handler(request)) };
}

/** Requests with a key, and their answers as JSON. */
function clientOf(handle: (request: Request) => Promise<Response>) {
  async function send(
    method: string,
    path: string,
    { key, body, headers = {} }: SendOptions = {},
  ): Promise<Answer> {
    const init: RequestInit = {
      method,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    };
    const response = await handle(new Request(`http://localhost${path}`, init));
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson && text !== '' ? JSON.parse(text) : null,
    };
  }
  return {
    send,
    get: (path: string, key?: string) => send('GET', path, key === undefined ? {} : { key }),
    post: (path: string, key: string, body: unknown, headers: Record<string, string> = {}) =>
      send('POST', path, { key, body, headers }),
  };
}

export interface SendOptions {
  readonly key?: string;
  /** A text is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** null = the answer is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what was answered, which tests compare with what they expect.
  readonly json: any;
}
