import { expect, test } from 'vitest';
import { DAY, HOUR } from './support/credits-scene.ts';
import { useAppDatabase } from './support/postgres/app-database.ts';
import { createWorld, type WorldOptions } from './support/world.ts';

const app = useAppDatabase();

test.each<[string, () => WorldOptions]>([
  ['SQLite', () => ({})],
  ['PostgreSQL', () => ({ database: app.options() })],
])(
  '%s: usage is counted, reported, and billed at the tier that the whole month reaches',
  async (_, options) => {
    const world = await createWorld(options());
    const { usage, clock } = world;
    const { customer, subscription } = await world.subscribe();
    await usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
    for (let day = 0; day < 20; day += 1) {
      await usage.increment({ account: 'acct_1', quantity: 100 });
      await world.passTime(clock.now() + DAY);
    }
    const before = await usage.get({ account: 'acct_1' });
    expect(before.quantity).toBe(2_000);
    expect(before.cost?.amount).toBe(3_000);
    const end = subscription.items.data[0]?.current_period_end ?? 0;
    await world.passTime(end * 1_000 + 2 * HOUR);

    expect(await world.billedLines(customer.id)).toMatchObject([
      { amount: 3_000, description: expect.stringContaining('Tier 2') },
    ]);
    const month = await usage.get({
      account: 'acct_1',
      period_start: before.period_start.slice(0, 10),
      period_end: '2026-03-01',
    });
    expect(month).toMatchObject({ quantity: 2_000, reported_quantity: 2_000, pending_quantity: 0 });
    expect(month.reports.every(({ reported, period_end }) => reported && period_end !== null)).toBe(true);
    expect((await usage.get({ account: 'acct_1' })).reports).toMatchObject([{ status: 'open', quantity: 0 }]);
    expect(world.errors).toEqual([]);
  },
);
