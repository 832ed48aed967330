import { createAuthorization } from './authorization.ts';
import type { CallOptions, UsageClient } from './client.ts';
import { type ClientOptions, checkOptions } from './client-options.ts';
import { newKey } from './idempotency-key.ts';
import { Outbox } from './outbox.ts';
import { onPageHide } from './page-hide.ts';
import { withRetries } from './retry.ts';
import { type Query, Transport, type TransportRequest } from './transport.ts';
import type { Adjustment, IncrementResult } from './wire.ts';

const TIMEOUT_MS = 10_000;
const RECORDING_ATTEMPTS = 6;
const REPEATED_ATTEMPTS = 3;

/** A client of `usage.handler`, for servers and browsers. @throws TypeError when an option is wrong. */
export function createClient(options: ClientOptions): UsageClient {
  checkOptions(options);
  const { base_url, timeout_ms = TIMEOUT_MS, max_attempts, max_read_attempts = max_attempts } = options;
  const send = options.fetch ?? ((url, init) => fetch(url, init));
  const authorization = createAuthorization(options, timeout_ms);
  const transport = new Transport({ base_url, authorization, fetch: send, timeout_ms });
  const outbox = new Outbox(transport, max_attempts ?? RECORDING_ATTEMPTS);
  /** Listens from the first increment on: a client that only reads has nothing to send when the page goes away. */
  let stopListening: (() => void) | null = null;

  function read<Answer>(path: string, query?: object, call?: CallOptions): Promise<Answer> {
    const request = { method: 'GET', path, query: query as Query | undefined, signal: call?.signal } as const;
    return repeat(request, max_read_attempts);
  }

  /** What changes nothing, or once and for all, however often it is sent. */
  function repeat<Answer>(request: TransportRequest, attempts = max_attempts): Promise<Answer> {
    const { signal } = request;
    return withRetries(attempts ?? REPEATED_ATTEMPTS, () => transport.send<Answer>(request), signal);
  }

  function post<Answer>(path: string, body: unknown, call?: CallOptions): Promise<Answer> {
    return repeat({ method: 'POST', path, body, signal: call?.signal });
  }

  /** Sent once: what became of it is not known where there is no answer, and it is not safe to repeat. */
  function write<Answer>(method: 'POST' | 'PUT', path: string, body: unknown): Promise<Answer> {
    return transport.send<Answer>({ method, path, body });
  }

  async function adjust(adjustment: Adjustment): Promise<IncrementResult> {
    const { idempotency_key } = adjustment;
    const keyed = { ...adjustment, idempotency_key: idempotency_key ?? newKey() };
    const result = await post<IncrementResult>('/v1/adjustments', keyed);
    // Nobody else has our key: the server knows it from an attempt whose answer was lost.
    return result.duplicate && idempotency_key === undefined ? { recorded: true, duplicate: false } : result;
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
    limits: { check: (params, call) => read('/v1/limits/check', params, call) },
    invoices: {
      list: (params, call) => read('/v1/invoices', params, call),
      explain: (params, call) => read('/v1/explanations/invoice', params, call),
    },
    plans: {
      list: (call) => read('/v1/plans', {}, call),
      preview: (change, call) => post('/v1/plans/preview', change, call),
      change: (change) => write('POST', '/v1/plans/change', change),
    },
    subscriptions: {
      get: (params, call) => read('/v1/subscription', params, call),
      lastChange: (params, call) => read('/v1/subscription/change', params, call),
      create: (subscription) => post('/v1/subscription', subscription),
      checkout: (checkout) => post('/v1/subscription/checkout', checkout),
      portal: (portal) => post('/v1/subscription/portal', portal),
      cancel: (cancellation) => write('POST', '/v1/subscription/cancel', cancellation),
      resume: (params) => write('POST', '/v1/subscription/resume', params),
      pause: (params) => write('POST', '/v1/subscription/pause', params),
      billUnflushed: (bill) => post('/v1/reconciliation/bill', bill),
    },
    seats: {
      get: (params, call) => read('/v1/seats', params, call),
      set: (setting) => write('PUT', '/v1/seats', setting),
      add: (added) => write('POST', '/v1/seats/add', added),
    },
    accounts: {
      get: (params, call) => read('/v1/account', params, call),
      set: (settings) => write('PUT', '/v1/account', settings),
      sync: (params) => post('/v1/account/sync', params),
      list: (params, call) => read('/v1/accounts', params, call),
    },
    tokens: {
      create: (token) => post('/v1/tokens', token),
      revoke: (revocation) => write('POST', '/v1/tokens/revoke', revocation),
    },
    reports: {
      list: (params, call) => read('/v1/reports', params, call),
      retry: (params) => write('POST', '/v1/reports/retry', params),
      resolve: (params) => write('POST', '/v1/reports/resolve', params),
      explain: (params, call) => read('/v1/explanations/report', params, call),
    },
    adjust,
    reconcile: (params, call) => read('/v1/reconciliation', params, call),
    webhooks: {
      list: (params, call) => read('/v1/webhooks', params, call),
      retry: (params) => write('POST', '/v1/webhooks/retry', params),
    },
  };
}
