import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import type Stripe from 'stripe';
import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { publishedFile } from './support/published.ts';
import { createSeatsWorld, SEAT_PLANS } from './support/seats-world.ts';

const START = Date.UTC(2026, 0, 10, 12);

/** The account's newest invoice; null = there is none but the first. */
async function newestInvoice(
  world: Awaited<ReturnType<typeof createSeatsWorld>>,
): Promise<Stripe.Invoice | null> {
  const { data } = await world.stripe.invoices.list({ customer: world.customer.id, limit: 1 });
  return data[0] ?? null;
}

const amountsOf = (lines: readonly { readonly amount: number }[]) =>
  lines
    .map(({ amount }) => amount)
    .filter((amount) => amount !== 0)
    .sort((a, b) => a - b);

describe('for any usage, seats, time and plans, with nothing used in between,', () => {
  const paid = ['pro', 'team', 'enterprise'] as const;
  const given = fc.record({
    from: fc.constantFrom(...paid),
    to: fc.constantFrom(...paid, 'yearless', 'flat'),
    seats: fc.integer({ min: 1, max: 15 }),
    changedSeats: fc.option(fc.integer({ min: 1, max: 15 }), { nil: undefined }),
    used: fc.array(
      fc.record({
        after_s: fc.integer({ min: 1, max: 6 * 86_400 }),
        quantity: fc.integer({ min: 1, max: 900 }),
      }),
      { maxLength: 4 },
    ),
    after_s: fc.integer({ min: 1, max: 3 * 86_400 }),
    waits_s: fc.integer({ min: 0, max: 900 }),
  });
  const plans = {
    ...SEAT_PLANS,
    /** Shares its price of credits with `team`. */
    yearless: {
      prices: [{ ...SEAT_PLANS.team.prices[0], lookup_key: 'tallybook:team:month:credits' }],
    },
    /** The first tier has a fee, which nothing used costs as well. */
    flat: {
      prices: [
        {
          currency: 'usd',
          interval: 'month',
          tiers_mode: 'volume',
          tiers: [
            { up_to: 100, flat_amount_decimal: '700', unit_amount_decimal: '0.5' },
            { up_to: 'inf', unit_amount_decimal: '1.25' },
          ],
        },
      ],
    },
  } as const;

  test('what a preview says is what the change and the invoice after it bill, to the minor unit', async () => {
    await fc.assert(
      fc.asyncProperty(given, async ({ from, to, seats, changedSeats, used, after_s, waits_s }) => {
        const world = await createSeatsWorld({ plan: from, seats, plans, lag_minutes: [0, 30] });
        for (const { after_s: later_s, quantity } of used) {
          await world.pass(later_s * 1_000);
          await world.usage.increment({ account: 'acct_1', quantity });
        }
        await world.pass(after_s * 1_000);
        const hasSeats = to === 'team' || to === 'enterprise';
        const asked = {
          account: 'acct_1',
          plan: to,
          ...(changedSeats === undefined || !hasSeats ? {} : { seats: changedSeats }),
        };
        const before = await newestInvoice(world);
        const preview = await world.usage.plans.preview(asked);
        await world.pass(waits_s * 1_000);
        await world.usage.plans.change({ ...asked, proration_date: preview.proration_date });
        await world.pass(2 * HOUR);
        expect(await world.usage.subscriptions.lastChange({ account: 'acct_1' })).toSatisfy(
          (change) => change === null || change.status === 'done',
        );
        const made = await newestInvoice(world);
        if (preview.now.lines.length === 0) expect(made?.id).toBe(before?.id);
        else {
          expect(made?.id).not.toBe(before?.id);
          expect(amountsOf(made?.lines.data ?? [])).toEqual(amountsOf(preview.now.lines));
          expect(made?.total).toBe(preview.now.total);
        }
        expect(preview.next?.at).toBe(new Date(world.end).toISOString());
        await world.passTime(world.end + 2 * HOUR);
        const next = await newestInvoice(world);
        expect(next?.total).toBe(preview.next?.total);
        expect(amountsOf(next?.lines.data ?? [])).toEqual(amountsOf(preview.next?.lines ?? []));
      }),
      { numRuns: 25 },
    );
  }, 240_000);
});

describe('a preview', () => {
  test('names usage that Stripe has not heard of, prorations, the next invoice and what a unit costs', async () => {
    const world = await createSeatsWorld({ plan: 'pro', lag_minutes: [30, 30] });
    await world.pass(10 * DAY);
    await world.usage.increment({ account: 'acct_1', quantity: 1_000 });
    const preview = await world.usage.plans.preview({ account: 'acct_1', plan: 'team', seats: 2 });
    const [period_start, period_end] = [START, world.end].map((at) => new Date(at).toISOString());
    expect(preview).toMatchObject({
      account: 'acct_1',
      plan: 'team',
      interval: 'month',
      seats: 2,
      proration_date: new Date(START + 10 * DAY).toISOString(),
      now: {
        currency: 'usd',
        total: 2 * 2_100 + 2_000,
        lines: [
          { meter: null, quantity: 2, amount: 4_200, period_end },
          {
            meter: 'credits',
            quantity: 1_000,
            unit_amount_decimal: '2',
            amount: 2_000,
            period_start,
            period_end,
          },
        ],
      },
      next: { total: 2 * 3_100, at: period_end },
    });
    // One credit more reaches the second tier of the present price.
    expect(preview.meters).toMatchObject([
      {
        meter: 'credits',
        quantity: 1_000,
        before: { unit_amount_decimal: '1.5', amount: 2_000, price: { tiers: [{ up_to: 1_000 }, {}] } },
        after: { unit_amount_decimal: '2', amount: 2_000, price: { tiers: [{ up_to: 'inf' }] } },
      },
    ]);
    expect(await world.usage.subscriptions.lastChange({ account: 'acct_1' })).toBeNull();
    expect(await world.atStripe()).toEqual({ 'tallybook:pro:month:credits': null });
  });

  test('of a free plan is the final invoice, with what was paid in advance given back, and no other', async () => {
    const world = await createSeatsWorld({ seats: 2 });
    await world.pass(21 * DAY);
    await world.usage.increment({ account: 'acct_1', quantity: 50 });
    const preview = await world.usage.plans.preview({ account: 'acct_1', plan: 'free' });
    expect(preview).toMatchObject({ plan: 'free', interval: null, seats: null, next: null });
    expect(amountsOf(preview.now.lines)).toEqual([-2_000, 100]);
    expect(preview.meters).toMatchObject([{ before: { unit_amount_decimal: '2' }, after: null }]);
    await world.usage.plans.change({ account: 'acct_1', plan: 'free' });
    await world.pass(HOUR);
    expect((await world.invoiced()).at(-1)).toBe(preview.now.total);
  });

  test('of the present plan invoices nothing now, and next what is used so far', async () => {
    const world = await createSeatsWorld({ seats: 2 });
    await world.usage.increment({ account: 'acct_1', quantity: 50 });
    const preview = await world.usage.plans.preview({ account: 'acct_1', plan: 'team' });
    expect(preview.now).toEqual({ currency: 'usd', total: 0, lines: [] });
    expect(preview.next?.total).toBe(100 + 6_200);
  });

  test('of more seats is a preview of nothing but seats', async () => {
    const world = await createSeatsWorld({ seats: 2 });
    await world.usage.increment({ account: 'acct_1', quantity: 50 });
    await world.pass(DAY);
    const preview = await world.usage.plans.preview({ account: 'acct_1', plan: 'team', seats: 3 });
    expect(amountsOf(preview.now.lines)).toEqual([-6_000, 9_000]);
    expect(preview.next?.total).toBe(100 + 9_300);
    await world.join();
    expect((await world.invoiced()).at(-1)).toBe(preview.now.total);
  });

  test('in a trial invoices nothing now, whatever was used', async () => {
    const world = await createSeatsWorld({ plan: 'pro', subscription_params: { trial_period_days: 14 } });
    await world.usage.increment({ account: 'acct_1', quantity: 50 });
    await world.pass(DAY);
    const { now, meters } = await world.usage.plans.preview({ account: 'acct_1', plan: 'enterprise' });
    expect(now).toMatchObject({ total: 0, lines: [] });
    expect(meters).toMatchObject([{ quantity: 50, before: { amount: 100 }, after: { amount: 50 } }]);
  });

  test('takes along what waits for the next invoice only if there is one now', async () => {
    const world = await createSeatsWorld();
    await world.pass(DAY);
    await world.setAtStripe(2); // as the Dashboard does it, for the next invoice
    await world.usage.increment({ account: 'acct_1', quantity: 50 });
    const same = await world.usage.plans.preview({ account: 'acct_1', plan: 'team' });
    expect([same.now.total, same.next?.total]).toEqual([0, 3_000 + 100 + 6_200]);
    const other = await world.usage.plans.preview({ account: 'acct_1', plan: 'pro' });
    expect(amountsOf(other.now.lines)).toEqual([-6_000, -3_000, 100, 6_000]);
    expect(other.next?.total).toBe(0);
    await world.usage.plans.change({ account: 'acct_1', plan: 'pro', proration_date: other.proration_date });
    await world.pass(MINUTE);
    expect((await world.invoiced()).at(-1)).toBe(other.now.total);
  });

  test('learns of a subscription that the worker has not heard of yet', async () => {
    const world = await createSeatsWorld({ plan: 'pro' });
    await world.usage.increment({ account: 'acct_1', quantity: 50 });
    const { now } = await world.usage.plans.preview({ account: 'acct_1', plan: 'enterprise' });
    expect(amountsOf(now.lines)).toEqual([100, 6_200, 31_000]);
  });
});

describe('the date of a preview', () => {
  test.each<[string, unknown]>([
    ['of more than an hour ago', new Date(START + 22 * HOUR)],
    ['ahead', new Date(START + DAY + 1_000)],
    ['that is none', 'yesterday'],
    ['in seconds', (START + DAY) / 1_000],
  ])('%s is refused', async (_, proration_date) => {
    const world = await createSeatsWorld();
    await world.pass(DAY);
    const changing = world.usage.plans.change({
      account: 'acct_1',
      plan: 'pro',
      proration_date,
    } as never);
    await expect(changing).rejects.toMatchObject({ code: 'invalid_parameter', field: 'proration_date' });
  });

  test('before a period that has begun meanwhile does not keep the change from being made', async () => {
    const world = await createSeatsWorld({ lag_minutes: [20, 20] });
    await world.passTime(world.end - 2 * MINUTE);
    await world.usage.increment({ account: 'acct_1', quantity: 50 });
    const { proration_date } = await world.usage.plans.preview({ account: 'acct_1', plan: 'enterprise' });
    await world.usage.plans.change({ account: 'acct_1', plan: 'enterprise', proration_date });
    await world.pass(3 * HOUR);
    expect(await world.usage.subscriptions.lastChange({ account: 'acct_1' })).toMatchObject({
      status: 'done',
    });
  });
});

describe('a preview refuses what the change would refuse:', () => {
  const plans = {
    ...SEAT_PLANS,
    graduated: {
      prices: [
        {
          currency: 'usd',
          interval: 'month',
          tiers_mode: 'graduated',
          tiers: [{ up_to: 'inf', unit_amount_decimal: '1' }],
        },
      ],
    },
    euro: {
      prices: [
        {
          currency: 'eur',
          interval: 'month',
          tiers_mode: 'volume',
          tiers: [{ up_to: 'inf', unit_amount_decimal: '1' }],
        },
      ],
    },
  } as const;

  test.each<[string, object, object]>([
    ['no account', { plan: 'pro' }, { code: 'invalid_account' }],
    ['an account that nobody knows', { account: 'nobody', plan: 'pro' }, { code: 'account_not_found' }],
    ['a plan that nobody knows', { account: 'acct_1', plan: 'gold' }, { code: 'invalid_plan' }],
    ['another interval', { account: 'acct_1', plan: 'pro', interval: 'year' }, { field: 'interval' }],
    ['no seats', { account: 'acct_1', plan: 'team', seats: 0 }, { field: 'seats' }],
    ['seats of a plan without', { account: 'acct_1', plan: 'pro', seats: 2 }, { code: 'seats_not_sold' }],
    ['volume to graduated', { account: 'acct_1', plan: 'graduated' }, { code: 'tiers_mode_change' }],
    ['another currency', { account: 'acct_1', plan: 'euro' }, { code: 'currency_mismatch' }],
  ])('%s', async (_, params, error) => {
    const world = await createSeatsWorld({ plans });
    await expect(world.usage.plans.preview(params as never)).rejects.toMatchObject(error);
    await expect(world.usage.plans.change(params as never)).rejects.toMatchObject(error);
  });

  test('to migrate anything, and other unknown fields', async () => {
    const world = await createSeatsWorld();
    const preview = world.usage.plans.preview({ account: 'acct_1', plan: 'pro', migrate: true } as never);
    await expect(preview).rejects.toMatchObject({ code: 'invalid_parameter', field: 'migrate' });
  });

  test('a price that Stripe does not have, a subscription in classic mode, and none', async () => {
    const world = await createSeatsWorld({ subscription_params: { billing_mode: { type: 'classic' } } });
    const preview = (account: string) => world.usage.plans.preview({ account, plan: 'pro' });
    await expect(preview('acct_1')).rejects.toMatchObject({ code: 'classic_subscription' });
    await world.usage.accounts.set({ account: 'acct_2', plan: 'free' });
    await expect(preview('acct_2')).rejects.toMatchObject({ code: 'subscription_not_found' });
    await world.stripe.subscriptions.migrate(world.subscription.id, { billing_mode: { type: 'flexible' } });
    await world.stripe.prices.update(world.price.id, { active: false });
    await expect(preview('acct_1')).rejects.toMatchObject({ code: 'price_not_found' });
  });

  test('while another change is under way', async () => {
    const world = await createSeatsWorld({ lag_minutes: [20, 20] });
    await world.usage.increment({ account: 'acct_1', quantity: 50 });
    await world.pass(MINUTE);
    await world.usage.plans.change({ account: 'acct_1', plan: 'pro' });
    const preview = world.usage.plans.preview({ account: 'acct_1', plan: 'enterprise' });
    await expect(preview).rejects.toMatchObject({ code: 'change_pending' });
  });

  test('without an answer of Stripe', async () => {
    const world = await createSeatsWorld();
    world.simulator.faults.add({ kind: '500_before', path: '/v1/invoices/create_preview' });
    const preview = world.usage.plans.preview({ account: 'acct_1', plan: 'pro' });
    await expect(preview).rejects.toMatchObject({ code: 'stripe_unavailable' });
  });
});

interface Published {
  readonly id: string;
  readonly model: string;
  readonly old: number;
  readonly new: number;
  readonly lines?: readonly number[];
  readonly expected_minor_units: number;
  readonly expected_proration?: number;
  readonly proration_behavior?: 'none';
  readonly next_invoice?: boolean;
}

const path = publishedFile('conformance/pricing.json');
const published: readonly Published[] =
  path === null
    ? []
    : JSON.parse(readFileSync(path, 'utf8')).filter(({ model }: Published) => model === 'proration');

describe.skipIf(path === null)(
  'previews of the prorations that Stripe publishes (skipped without ../shared/conformance)',
  () => {
    test('there are some', () => expect(published.length).toBeGreaterThanOrEqual(3));

    test.each(published)('$id', async (example) => {
      const fee = (amount: number) => ({
        prices: [
          {
            currency: 'usd',
            interval: 'month',
            usage_type: 'licensed',
            unit_amount_decimal: String(amount),
          } as const,
        ],
      });
      const plans = { before: fee(example.old), after: fee(example.new) };
      const world = await createSeatsWorld({ plan: 'before', plans });
      await world.pass((world.end - START) / 2);
      const { now, next } = await world.usage.plans.preview({ account: 'acct_1', plan: 'after' });
      if (example.lines) expect(now.lines.map(({ amount }) => amount)).toEqual(example.lines);
      if (example.proration_behavior === 'none') {
        // A change of ours always prorates: what the example says of the next invoice holds all the same.
        expect(next?.total).toBe(example.expected_minor_units);
      } else if (example.next_invoice) {
        // What Stripe adds to the next invoice in the example, a change of ours invoices at once.
        expect(now.total).toBe(example.expected_proration);
        expect(now.total + (next?.total ?? 0)).toBe(example.expected_minor_units);
      } else {
        expect(now.total).toBe(example.expected_minor_units);
      }
    });
  },
);
