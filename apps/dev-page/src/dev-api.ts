import type { ShownChange, ShownPreview } from '../../../src/react/index.ts';

/** What `/api/state` says of the accounts and the clock. */
export interface DevState {
  readonly clock: {
    readonly now: string;
    readonly moving: { readonly from: string; readonly to: string } | null;
  };
  readonly stripe_url: string;
  readonly accounts: readonly DevAccount[];
}

export interface DevAccount {
  readonly account: string;
  readonly plan: string | null;
}

export interface Increment {
  readonly account: string;
  readonly meter: string;
  readonly quantity: number;
}

export type ClockMove = 'hour' | 'day' | 'period_end';

/** Shows what is wrong as the server words it, in its own shape or in the API's. */
export async function call<Answer>(path: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(path, init);
  const body = await response.json();
  if (response.ok) return body;
  const { message = `The server answered ${response.status}.`, remedy = '' } = body?.error ?? {
    message: body?.detail,
    remedy: body?.remedy,
  };
  throw new Error(message.endsWith(remedy) ? message : `${message} ${remedy}`);
}

export function send<Answer>(method: 'POST' | 'PUT', path: string, body: unknown): Promise<Answer> {
  const headers = { 'Content-Type': 'application/json' };
  return call(path, { method, headers, body: JSON.stringify(body) });
}

export const readState = (signal: AbortSignal) => call<DevState>('/api/state', { signal });

export const moveClock = (to: ClockMove) => send<unknown>('POST', '/api/clock', { to });

/** As the product's server would meter it: with a key, so that a repeated request counts once. */
export function meterUsage(increment: Increment): Promise<{ readonly recorded: boolean }> {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  const idempotency_key = `studio_${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  return send('POST', '/v1/usage', { ...increment, idempotency_key });
}

export function changePlan(
  account: string,
  plan: string,
  preview: ShownPreview | null,
): Promise<ShownChange> {
  const proration_date = preview?.proration_date;
  return send('PUT', `/accounts/${encodeURIComponent(account)}/plan`, { plan, proration_date });
}
