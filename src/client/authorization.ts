import type { ClientOptions } from './client-options.ts';
import { untilAborted } from './until-aborted.ts';

/** What requests say who they are. */
export interface Authorization {
  /** null = nothing is sent: the app knows the browser by other means, such as a cookie. */
  header(): string | null | Promise<string | null>;
  /** The header as it is at hand, for a page that is going away; null = none. */
  readonly latest: string | null;
  /** Forgets what the server refused. @returns whether another try may do better. */
  renew(refused: string | null): boolean;
}

/** A token is renewed so long before it ends, that a request under way is not refused. */
const RENEW_BEFORE_MS = 30_000;

/** @param timeout_ms how long `getToken` may take: after that it is asked anew. */
export function createAuthorization(
  { token, api_key, getToken }: ClientOptions,
  timeout_ms: number,
): Authorization {
  const fixed = api_key ?? token;
  if (!getToken) {
    const latest = fixed === undefined ? null : `Bearer ${fixed}`;
    return { latest, header: () => latest, renew: () => false };
  }
  const ask = getToken;
  let latest: { readonly header: string; readonly ends_at: number } | null = null;
  let asking: Promise<string> | null = null;

  async function askOnce(): Promise<string> {
    try {
      const text = await untilAborted(Promise.resolve(ask()), AbortSignal.timeout(timeout_ms));
      latest = { header: `Bearer ${text}`, ends_at: endOf(text) };
      return latest.header;
    } finally {
      asking = null;
    }
  }

  return {
    get latest() {
      return latest?.header ?? null;
    },
    header() {
      if (latest && Date.now() < latest.ends_at - RENEW_BEFORE_MS) return latest.header;
      asking ??= askOnce();
      return asking;
    },
    renew(refused) {
      if (latest?.header === refused) latest = null;
      return true;
    },
  };
}

/** When a token says that it ends; a text that says nothing does not end by itself. */
function endOf(token: string): number {
  try {
    const payload = token.split('.')[1] ?? '';
    const { exp } = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    // One that is all but over as it comes would be asked for again and again: the server decides then.
    const ends_at = Number(exp) * 1_000;
    return ends_at - RENEW_BEFORE_MS > Date.now() ? ends_at : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
