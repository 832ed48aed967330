import { UsageError } from '../core/errors.ts';
import type { Caller } from './access/caller.ts';

/**
 * Looks where a page of Stripe's would send a customer afterwards. Who is restricted to an account may be a customer, or
 * somebody who took a customer's key: a link of Stripe's that leads to a page of theirs would look like the app's own.
 *
 * @throws UsageError `invalid_parameter` where it is not on an allowed origin.
 */
export function refuseForeignUrls(
  urls: Readonly<Record<string, string>>,
  { account }: Caller,
  allowed_origins: ReadonlySet<string>,
): void {
  if (account === null) return;
  for (const [field, url] of Object.entries(urls)) {
    if ([...allowed_origins].some((origin) => isOn(origin, url))) continue;
    const reason =
      'Who is restricted to an account can name pages of `http.allowed_origins` only, each written as it is there.';
    throw new UsageError('invalid_parameter', { field, value: url, reason });
  }
}

/** By its text: a host that ends where the allowed one does is the same to everybody who reads it. */
function isOn(origin: string, url: string): boolean {
  const [next] = url.slice(origin.length);
  return url.startsWith(origin) && (next === undefined || '/?#'.includes(next));
}
