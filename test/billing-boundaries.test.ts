import type Stripe from 'stripe';
import { describe, expect, test } from 'vitest';
import {
  type BillingTimeline,
  billingPeriodAt,
  countingPeriodAt,
  LATE_WINDOW_MS,
  type Recurrence,
  type SubscriptionItem,
} from '../src/core/billing-period.ts';
import { boundary } from '../src/testing/stripe-simulator/billing-cycle.ts';
import { boundaryOf } from './support/calendar-oracle.ts';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { instantOf, ZONES } from './support/time-zones.ts';
import { createWorld } from './support/world.ts';

const SECOND = 1_000;
const YEARS = 10;

/** How often Stripe bills, and how many boundaries ten years have. */
const RECURRENCES = [
  ['month', 1, YEARS * 12],
  ['year', 1, YEARS],
  ['month', 3, YEARS * 4],
  ['year', 2, YEARS / 2],
  ['week', 1, YEARS * 52],
  ['day', 30, YEARS * 12],
] as const;

/** Long months with and without a change of clocks, and a leap month. */
const ANCHOR_MONTHS = [
  ['2026-01', 31],
  ['2026-03', 31],
  ['2026-10', 31],
  ['2028-02', 29],
] as const;
const ANCHOR_TIMES = ['00:00:00', '02:30:00', '23:59:59'];
const ANCHORS = 366;

/** Each day of these months at each of the times, on the zone's clock. */
function anchorsIn(zone: string): { readonly wall: string; readonly anchor: number }[] {
  const days = ANCHOR_MONTHS.flatMap(([month, length]) =>
    Array.from({ length }, (_, index) => `${month}-${String(index + 1).padStart(2, '0')}`),
  );
  const walls = days.flatMap((day) => ANCHOR_TIMES.map((time) => `${day} ${time}`));
  return walls.map((wall) => ({ wall, anchor: instantOf(zone, wall) }));
}

/** A subscription as it was read from Stripe in its first period, and never again. */
function timelineOf({ anchor, interval, interval_count }: Recurrence, end: number): BillingTimeline {
  const item: SubscriptionItem = {
    stripe_subscription: 'sub_1',
    stripe_subscription_item: 'si_1',
    meter: 'credits',
    stripe_price: 'price_1',
    price: { currency: 'usd', unit_amount_decimal: '1' },
    anchor,
    interval,
    interval_count,
    started_at: anchor,
    billed_from: anchor,
    trial_end: null,
    ended_at: null,
    current_period_start: anchor,
    current_period_end: end,
  };
  return { created_at: anchor - DAY, items: [item] };
}

interface Probe {
  readonly at: number;
  readonly start: number;
  readonly end: number;
}

/** What is wrong around the boundary at which one period ends and the next begins; '' = nothing. */
function faultAt(timeline: BillingTimeline, start: number, middle: number, end: number): string {
  const before = { start, end: middle };
  const after = { start: middle, end };
  const probes: Probe[] = [
    { at: middle - SECOND, ...before },
    { at: middle - 1, ...before },
    { at: middle, ...after },
    { at: middle + 1, ...after },
    { at: middle + SECOND, ...after },
  ];
  for (const probe of probes) {
    const period = billingPeriodAt(timeline, probe.at);
    if (period.start !== probe.start || period.end !== probe.end || period.billed_by !== 'paid') {
      return `${iso(probe.at)} is in [${iso(period.start)}, ${iso(period.end)}) ${period.billed_by}`;
    }
  }
  // What was used in the last second is billed there for half an hour, and in the next period afterwards.
  const late = (now: number) => countingPeriodAt(timeline, middle - SECOND, now).start;
  if (late(middle + LATE_WINDOW_MS - 1) !== start) return 'usage of the last second came too late at once';
  if (late(middle + LATE_WINDOW_MS) !== middle) return 'usage of the last second is never too late';
  return '';
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}

describe.each(ZONES)('anchors in %s', (zone) => {
  const anchors = anchorsIn(zone);

  test.each(RECURRENCES)(
    'every %s × %i: periods tile ten years, and a second decides',
    (unit, count, number) => {
      const faults: string[] = [];
      let boundaries = 0;
      for (const { wall, anchor } of anchors) {
        const at = (n: number) => boundaryOf(anchor, unit, count, n);
        const timeline = timelineOf({ anchor, interval: unit, interval_count: count }, at(1));
        for (let n = 1; n <= number; n += 1) {
          const fault = faultAt(timeline, at(n - 1), at(n), at(n + 1));
          if (fault !== '') faults.push(`${wall}, boundary ${n}: ${fault}`);
          boundaries += 1;
        }
      }
      expect(faults.slice(0, 5)).toEqual([]);
      expect(boundaries).toBe(ANCHORS * number);
    },
  );

  test('the months of an account that nothing bills are as exact', () => {
    for (const { wall, anchor } of anchors) {
      const timeline = { created_at: anchor, items: [] };
      for (let n = 1; n <= YEARS * 12; n += 1) {
        const middle = boundaryOf(anchor, 'month', 1, n);
        const [before, after] = [billingPeriodAt(timeline, middle - 1), billingPeriodAt(timeline, middle)];
        const isExact = before.start === boundaryOf(anchor, 'month', 1, n - 1) && before.end === middle;
        if (!isExact || after.start !== middle || after.billed_by !== 'none')
          throw new Error(`${wall}, boundary ${n}`);
      }
    }
  });

  test('the simulated Stripe has the same boundaries', () => {
    for (const { anchor } of anchors.filter((_, index) => index % 7 === 0)) {
      for (const [interval, interval_count, number] of RECURRENCES) {
        for (let n = 1; n <= number; n += 3) {
          const simulated = boundary(anchor / SECOND, { interval, interval_count }, n) * SECOND;
          if (simulated !== boundaryOf(anchor, interval, interval_count, n)) {
            throw new Error(`${iso(anchor)} ${interval} × ${interval_count}, boundary ${n}`);
          }
        }
      }
    }
  });
});

/** A subscription that begins at an instant of a zone's clock, the job running at midnight of that clock. */
const LIVES = [
  ['UTC', '2027-10-31 00:00:00', 'month', 6],
  ['America/New_York', '2027-10-31 00:00:00', 'month', 6],
  ['Europe/Berlin', '2028-02-29 00:00:00', 'month', 5],
  ['Asia/Kolkata', '2027-12-30 23:59:59', 'month', 4],
  ['Pacific/Chatham', '2027-09-26 02:45:00', 'month', 5],
  ['Australia/Lord_Howe', '2028-03-31 02:00:00', 'month', 5],
  ['Europe/Berlin', '2028-02-29 00:00:00', 'year', 4],
  ['Australia/Lord_Howe', '2027-10-03 02:15:00', 'week', 5],
] as const;

test.each(LIVES)(
  'in %s from %s, every %s: usage a second before, at and after each boundary is on the right invoice',
  async (zone, wall, interval, periods) => {
    const start = instantOf(zone, wall);
    const cron = interval === 'year' ? '0 0 1 * *' : '0 0 * * *';
    const world = await createWorld({ start, schedule: { cron, time_zone: zone } });
    const price = await world.stripe.prices.create({
      currency: 'usd',
      product_data: { name: 'Credits' },
      recurring: { interval, usage_type: 'metered', meter: world.meter.id },
      unit_amount: 1,
    });
    const { customer } = await world.subscribe({ items: [{ price: price.id }] });
    await world.usage.accounts.set({ account: 'a', plan: 'pro', stripe_customer: customer.id });
    await world.passTime(start + MINUTE);
    const expected: number[] = [];
    for (let n = 1; n <= periods; n += 1) {
      const middle = boundaryOf(start, interval, 1, n);
      // One digit for each instant, so that the invoice says which of them it bills.
      for (const [offset, quantity] of [
        [-SECOND, 1],
        [0, 10],
        [SECOND, 100],
      ] as const) {
        await world.passTime(middle + offset);
        await world.usage.increment({ account: 'a', quantity });
      }
      expected.push(n === 1 ? 1 : 111);
    }
    await world.passTime(boundaryOf(start, interval, 1, periods) + 2 * HOUR);
    expect(await billed(world.stripe, customer.id)).toEqual(expected);
    expect(await world.usage.get({ account: 'a' })).toMatchObject({ quantity: 110 });
    expect(world.errors).toEqual([]);
  },
);

/** What the invoices of whole periods bill, in units, oldest first. */
async function billed(stripe: Stripe, customer: string): Promise<number[]> {
  const { data } = await stripe.invoices.list({ customer, limit: 100 });
  return data
    .filter(({ billing_reason, status }) => billing_reason === 'subscription_cycle' && status === 'paid')
    .reverse()
    .map(({ lines }) => lines.data.reduce((sum, line) => sum + (line.quantity ?? 0), 0));
}
