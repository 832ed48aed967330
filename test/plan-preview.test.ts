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
  const { data } = await world.stripe.invoices.list({ customer: world.customer.id, limit: 100 });
  const [newest] = data;
  return data.length > 1 && newest ? newest : null;
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
      { numRuns: 40 },
    );
  }, 240_000);
});
