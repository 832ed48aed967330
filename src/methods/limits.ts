import { parseAccountId } from '../core/account.ts';
import { type Meters, parseMeter } from '../core/meter.ts';
import { parseQuantity } from '../core/quantity.ts';
import { parseFields } from '../core/usage-event.ts';
import type { AccountContext } from '../query/billed-account.ts';
import { queryUsage } from '../query/usage-query.ts';

export interface CheckLimitParams<Meter extends string = string> {
  readonly account: string;
  /** Default: the only meter, or `default_meter`. */
  readonly meter?: Meter;
  /** Units that are about to be used. Default: 1. */
  readonly quantity?: number;
}

/** Whether the plan includes what is about to be used, as of this moment. */
export interface LimitResult {
  readonly account: string;
  readonly meter: string;
  /** Whether `used` and the quantity together are within the limit. */
  readonly allowed: boolean;
  /** Units that a billing period includes at most; null = the plan sets no limit, or the account has no plan. */
  readonly limit: number | null;
  /** Units used so far in the current billing period. */
  readonly used: number;
  /** What is left, from 0; null = without a limit. */
  readonly remaining: number | null;
  /** When the current billing period ends, and the next one begins at 0. ISO 8601 in UTC. */
  readonly period_end: string;
}

const FIELDS = new Set(['account', 'meter', 'quantity']);

/** Looks before the work is done: calls at the same time do not see each other, so that together they can go past it. */
export async function checkLimit(
  context: AccountContext & { readonly meters: Meters },
  params: unknown,
): Promise<LimitResult> {
  const fields = parseFields(params, FIELDS);
  const account_id = parseAccountId(fields['account']);
  const meter = parseMeter(fields['meter'], context.meters);
  const quantity = parseQuantity(fields['quantity']);
  const [usage] = await queryUsage(context, { account_id, meters: [meter], range: null });
  if (!usage) throw new Error('One meter was asked for, and none was answered.');
  const { limit, quantity: used, remaining, period_end } = usage;
  const allowed = limit === null || used + quantity <= limit;
  return { account: account_id, meter, allowed, limit, used, remaining, period_end };
}
