import type { BillingProvider } from '../core/billing-provider.ts';
import type { Instant } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import { DAY_MS, floorToSecond, parseInstant } from '../core/instant.ts';
import { intervalsOf, isFree, type Plan, type PriceInterval } from '../core/plan.ts';
import type { SubscribingTerms } from '../core/subscribing.ts';
import { answered } from './stripe-answers.ts';

/** Stripe's own limit of a trial (docs.stripe.com/billing/subscriptions/trials). */
const MAX_TRIAL_DAYS = 730;
const MAX_SEATS = 1_000_000;

/** @throws UsageError `invalid_plan`, `invalid_parameter`. */
export function parseInterval(value: unknown, name: string, plan: Plan): PriceInterval {
  if (isFree(plan)) {
    const reason = `The plan ${name} is free: set it with usage.accounts.set(), no subscription bills it.`;
    throw new UsageError('invalid_plan', { field: 'plan', value: name, reason });
  }
  const intervals = intervalsOf(plan);
  const [only] = intervals;
  if (value === undefined && only !== undefined && intervals.length === 1) return only;
  const interval = intervals.find((candidate) => candidate === value);
  if (interval !== undefined) return interval;
  const reason = `The plan ${name} is billed by ${intervals.join(' or ')}.`;
  throw new UsageError('invalid_parameter', { field: 'interval', value, reason });
}

/** null = the plan sells none. @throws UsageError `seats_not_sold`, `invalid_parameter`. */
export function parseSeats(value: unknown, plan: Plan, interval: PriceInterval): number | null {
  const sells = plan.licensed.some((price) => price.quantity === 'seats' && price.interval === interval);
  if (!sells && value !== undefined) throw new UsageError('seats_not_sold', { field: 'seats', value });
  if (!sells) return null;
  if (value === undefined) return 1;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_SEATS) return value;
  const reason = `It is a whole number from 1 to ${MAX_SEATS}.`;
  throw new UsageError('invalid_parameter', { field: 'seats', value, reason });
}

/** @throws UsageError `invalid_parameter`. */
export function parseTrial(days: unknown, end: unknown, now: Instant): SubscribingTerms['trial'] {
  if (days !== undefined && end !== undefined) {
    const reason = 'Pass either `trial_days` or `trial_end`.';
    throw new UsageError('invalid_parameter', { field: 'trial_end', reason });
  }
  if (end !== undefined) {
    const instant = floorToSecond(parseInstant(end, 'trial_end', 'invalid_parameter'));
    if (instant > now && instant <= now + MAX_TRIAL_DAYS * DAY_MS) return { end: instant };
    const reason = `It lies in the future, at most ${MAX_TRIAL_DAYS} days ahead.`;
    throw new UsageError('invalid_parameter', { field: 'trial_end', value: end, reason });
  }
  if (days === undefined) return null;
  if (typeof days === 'number' && Number.isInteger(days) && days >= 1 && days <= MAX_TRIAL_DAYS) {
    return { days };
  }
  const reason = `It is a whole number from 1 to ${MAX_TRIAL_DAYS}.`;
  throw new UsageError('invalid_parameter', { field: 'trial_days', value: days, reason });
}

/** @throws UsageError `invalid_parameter`. */
export function parseUrl(value: unknown, field: string): string {
  if (typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) {
    return value;
  }
  const reason = 'It is an absolute URL: https://….';
  throw new UsageError('invalid_parameter', { field, value, reason });
}

/** null = none. @throws UsageError `invalid_parameter`. */
export function parseEmail(value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string' && value.length <= 512 && /^[^\s@]+@[^\s@]+$/.test(value)) return value;
  throw new UsageError('invalid_parameter', { field: 'customer_email', value, reason: 'It is an address.' });
}

/**
 * All prices of a plan and interval at Stripe, as a subscription has them.
 *
 * @throws UsageError `price_not_found`, `stripe_unavailable`, `stripe_refused`, `stripe_mode_mismatch`.
 */
export async function itemsAtStripe(
  provider: BillingProvider,
  name: string,
  plan: Plan,
  interval: PriceInterval,
  seats: number | null,
): Promise<SubscribingTerms['items']> {
  const wanted = [...plan.prices, ...plan.licensed].filter((price) => price.interval === interval);
  const { prices } = answered(await provider.findPrices({ references: wanted }));
  return wanted.map((price, index) => {
    const found = prices[index];
    if (!found) {
      const by = price.stripe_price ?? `lookup key ${price.lookup_key}`;
      const reason = `Stripe has no active price for the plan ${name} (${by}).`;
      throw new UsageError('price_not_found', { field: 'plan', value: name, reason });
    }
    const licensed = 'quantity' in price ? (price.quantity === 'seats' ? (seats ?? 1) : 1) : null;
    return { stripe_price: found.stripe_price, quantity: licensed };
  });
}
