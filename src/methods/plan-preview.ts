import type { PreviewedInvoice, PreviewedLine } from '../core/billing-provider.ts';
import type { Instant } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import { floorToSecond, formatInstant } from '../core/instant.ts';
import type { PriceInterval } from '../core/plan.ts';
import { type Price, type RatedAmount, rate } from '../core/price.ts';
import { type BilledItem, seatsOf } from '../core/subscription-change.ts';
import { parseFields } from '../core/usage-event.ts';
import { priceFields } from '../query/cost-so-far.ts';
import { queryUsage } from '../query/usage-query.ts';
import type { UsageResult } from '../query/usage-result.ts';
import { existingAccount, syncAccount } from './account-syncing.ts';
import {
  errorOf,
  type PlannedChange,
  planChange,
  type SubscriptionChangesContext,
} from './planned-change.ts';

export interface PreviewPlanParams<PlanName extends string = string> {
  readonly account: string;
  readonly plan: PlanName;
  /** As for `usage.plans.change`. */
  readonly interval?: PriceInterval;
  /** As for `usage.plans.change`. */
  readonly seats?: number;
}

/** What a change of the plan would cost. Amounts are minor units, before taxes and discounts; instants ISO 8601 in UTC. */
export interface PlanPreview<PlanName extends string = string> {
  readonly account: string;
  readonly plan: PlanName;
  /** null = the plan is free: the subscription would end. */
  readonly interval: PriceInterval | null;
  /** null = the plan sells none. */
  readonly seats: number | null;
  /** To which second what is paid in advance is prorated. Passed to `usage.plans.change`, it is what `now` says. */
  readonly proration_date: string;
  /** What would be invoiced at once: usage so far at the old prices, and the difference of what is paid in advance. */
  readonly now: PreviewedBill;
  /** The invoice after that, if nothing were used until then; null = there would be none. */
  readonly next: (PreviewedBill & { readonly at: string }) | null;
  /** What a unit costs before and after. */
  readonly meters: readonly PreviewedMeter[];
}

export interface PreviewedBill {
  readonly currency: string;
  readonly total: number;
  readonly lines: readonly PreviewedBillLine[];
}

export interface PreviewedBillLine {
  /** null = it is not about usage. */
  readonly meter: string | null;
  readonly description: string;
  /** null = it does not say. */
  readonly quantity: number | null;
  /** What one unit costs; null = it is not of units. */
  readonly unit_amount_decimal: string | null;
  readonly amount: number;
  readonly period_start: string;
  /** Exclusive. */
  readonly period_end: string;
}

export interface PreviewedMeter {
  readonly meter: string;
  /** Used so far in the current billing period. */
  readonly quantity: number;
  /** null = it is not billed. */
  readonly before: PreviewedPrice | null;
  readonly after: PreviewedPrice | null;
}

export interface PreviewedPrice {
  /** With all its tiers. */
  readonly price: Price;
  /** What one more costs at the present quantity, in minor units; of the whole package where it is sold in packages. */
  readonly unit_amount_decimal: string;
  /** What the present quantity costs. */
  readonly amount: number;
}

export interface PreviewContext extends SubscriptionChangesContext {
  readonly meters: readonly string[];
}

const FIELDS = new Set(['account', 'plan', 'interval', 'seats']);

/**
 * What a change of the plan would cost, now and next. Stripe prorates what is paid in advance; what was used is rated
 * here, since Stripe cannot have counted all of it yet.
 */
export async function previewPlan(context: PreviewContext, params: unknown): Promise<PlanPreview> {
  const { account, plan, interval, seats } = parseFields(params, FIELDS);
  const planned = await planChange(context, { account, plan, interval, seats, migrate: undefined });
  const { account_id } = planned;
  const last = await context.store.getLastChange({ account_id });
  if (last !== null && last.due_at !== null) {
    throw new UsageError('change_pending', { field: 'account', value: account_id });
  }
  const usage = await usageOf(context, planned);
  const at = floorToSecond(context.environment.clock.now());
  const now = billOf(planned, await linesNow(planned, usage, at));
  return {
    account: account_id,
    plan: planned.plan,
    interval: planned.interval,
    seats: seatsAfter(context, planned),
    proration_date: formatInstant(at),
    now,
    next: await nextBill(planned, usage, at, now.lines.length > 0),
    meters: context.meters.flatMap((meter) => meterOf(planned, usage, meter)),
  };
}

type UsageByMeter = ReadonlyMap<string, UsageResult>;

/** What was used of each meter in its current billing period, which Stripe is asked for: it may be news to us. */
async function usageOf(
  { store, settle, environment, plans, meters }: PreviewContext,
  { account_id, provider }: PlannedChange,
): Promise<UsageByMeter> {
  await settle(account_id);
  const { clock } = environment;
  const account = await existingAccount(store, account_id);
  await syncAccount({ store, provider, clock, plans }, account);
  const found = await queryUsage({ store, clock, plans }, { account_id, meters, range: null });
  return new Map(found.map((result) => [result.meter, result]));
}

/** Nothing, where the change makes no invoice. */
async function linesNow(
  planned: PlannedChange,
  usage: UsageByMeter,
  proration_date: Instant,
): Promise<PreviewedBillLine[]> {
  const { subscription, items } = planned;
  const ends = planned.interval === null;
  if (!ends && items.length === 0) return [];
  const { stripe_subscription } = subscription;
  const invoice = await read(planned, 'now', proration_date);
  const others = invoice.lines.filter((line) => meterOfLine(planned, line) === null);
  const prorations = others.filter(({ is_proration, is_waiting }) => is_proration && !is_waiting);
  const removed = new Set(items.flatMap((change) => ('remove' in change ? [change.remove] : [])));
  const used = subscription.items
    .filter(({ stripe_subscription_item: id }) => ends || removed.has(id))
    .flatMap((item) => usageLines(item, usage));
  if (!ends && prorations.length === 0 && used.length === 0) return [];
  const isInvoiced = (line: PreviewedLine) =>
    ends || line.is_proration || (line.is_waiting && line.stripe_subscription === stripe_subscription);
  return [...others.filter(isInvoiced).map(toBillLine), ...used];
}

/** Stripe lists the present period's usage of metered items that stay, as far as it has counted it. */
async function nextBill(
  planned: PlannedChange,
  usage: UsageByMeter,
  proration_date: Instant,
  isInvoicedNow: boolean,
): Promise<PlanPreview['next']> {
  if (planned.interval === null) return null;
  const { stripe_subscription, items } = planned.subscription;
  const invoice = await read(planned, 'next', proration_date);
  const isGone = (line: PreviewedLine) =>
    isInvoicedNow && line.is_waiting && line.stripe_subscription === stripe_subscription;
  const named = new Set(invoice.lines.map((line) => line.stripe_subscription_item));
  const kept = items.filter(({ stripe_subscription_item: id }) => named.has(id));
  const lines = [
    ...invoice.lines.filter((line) => meterOfLine(planned, line) === null && !isGone(line)).map(toBillLine),
    ...kept.flatMap((item) => usageLines(item, usage)),
  ];
  return { ...billOf(planned, lines), at: formatInstant(invoice.period_end) };
}

async function read(
  { provider, subscription, items, interval }: PlannedChange,
  invoice: 'now' | 'next',
  proration_date: Instant,
): Promise<PreviewedInvoice> {
  const { stripe_subscription } = subscription;
  const changed = interval === null ? null : items;
  const found = await provider.previewChange({
    stripe_subscription,
    items: changed,
    invoice,
    proration_date,
  });
  if (found.outcome !== 'read') throw errorOf(found);
  return found.invoice;
}

/** The meter that a line bills by an item that there is now; null = by none. */
function meterOfLine(
  { subscription }: PlannedChange,
  { stripe_subscription_item }: PreviewedLine,
): string | null {
  const item = subscription.items.find(
    (other) => other.stripe_subscription_item === stripe_subscription_item,
  );
  return item?.meter ?? null;
}

/** What an item bills of what was used so far, as it will stand on the invoice. */
function usageLines({ meter }: BilledItem, usage: UsageByMeter): PreviewedBillLine[] {
  const found = meter === null ? undefined : usage.get(meter);
  if (!found?.cost) return [];
  const { period_start, period_end, cost } = found;
  return cost.lines
    .filter(({ amount, quantity }) => amount !== 0 || quantity !== 0)
    .map(({ tier, quantity, unit_amount_decimal, amount }) => ({
      meter,
      description: tier === null ? `${meter}` : `${meter}, tier ${tier}`,
      quantity,
      unit_amount_decimal,
      amount,
      period_start,
      period_end,
    }));
}

function toBillLine({ description, quantity, unit_amount_decimal, amount, period }: PreviewedLine) {
  const [period_start, period_end] = [formatInstant(period.start), formatInstant(period.end)];
  return { meter: null, description, quantity, unit_amount_decimal, amount, period_start, period_end };
}

function billOf({ subscription: { currency } }: PlannedChange, lines: readonly PreviewedBillLine[]) {
  return { currency, total: lines.reduce((sum, { amount }) => sum + amount, 0), lines };
}

function seatsAfter(
  { plans }: PreviewContext,
  { subscription, offered, seats }: PlannedChange,
): number | null {
  const hasSeats = offered.some(({ quantity }) => quantity === 'seats');
  return hasSeats ? (seats ?? seatsOf(subscription, plans)) : null;
}

function meterOf(
  { subscription, offered }: PlannedChange,
  usage: UsageByMeter,
  meter: string,
): PreviewedMeter[] {
  const before = subscription.items.find((item) => item.meter === meter)?.price;
  const after = offered.find((price) => price.meter === meter);
  const quantity = usage.get(meter)?.quantity ?? 0;
  if (!before && !after) return [];
  return [{ meter, quantity, before: priceAt(before, quantity), after: priceAt(after, quantity) }];
}

function priceAt(price: Price | undefined, quantity: number): PreviewedPrice | null {
  if (!price) return null;
  const present = Math.max(0, quantity);
  const marginal: RatedAmount = rate(price, present + 1);
  const last = marginal.lines.findLast(({ unit_amount_decimal }) => unit_amount_decimal !== null);
  const unit_amount_decimal = last?.unit_amount_decimal ?? price.unit_amount_decimal ?? '0';
  return { price: priceFields(price), unit_amount_decimal, amount: rate(price, present).amount };
}
