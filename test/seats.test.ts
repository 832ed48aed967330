import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createMovableClock } from '../src/testing/movable-clock.ts';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { temporaryDirectory } from './support/folders.ts';
import { useAppDatabase } from './support/postgres/app-database.ts';
import { createSeatsWorld } from './support/seats-world.ts';
import type { WorldOptions } from './support/world.ts';

const SUBSCRIPTION = { method: 'POST', path: /^\/v1\/subscriptions\/sub_/ } as const;
const SEATS = 'tallybook:team:month:@seats';

const app = useAppDatabase();

/** Time passes, since calls of two processes wait for each other. */
const racing = (): WorldOptions => ({
  clock: createMovableClock({ start: Date.UTC(2026, 0, 10, 12), ticking: true }),
  verify_timeout_ms: 60_000,
});

describe.each<[string, () => WorldOptions]>([
  ['SQLite', () => ({ ...racing(), database: { path: join(temporaryDirectory(), 'usage.db') } })],
  ['PostgreSQL', () => ({ ...racing(), database: app.options() })],
])('in two processes at once, on %s,', (_, options) => {
  test('everybody who joins or leaves counts, and every call tells a number that was true', async () => {
    const world = await createSeatsWorld(options());
    const other = world.open();
    const joined = await Promise.all(
      [world.usage, other, world.usage, other, other].map((usage) => world.join(usage)),
    );
    expect(joined.map(({ seats }) => seats).sort()).toEqual([2, 3, 4, 5, 6]);
    expect(await world.usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({ seats: 6 });
    expect(joined.every(({ pending_seats }) => pending_seats === null)).toBe(true);
    await Promise.all([
      world.join(),
      world.leave(other),
      world.leave(),
      world.join(other),
      world.leave(other),
    ]);
    expect(await world.seats()).toMatchObject({ seats: 5, pending_seats: null });
    expect(await world.atStripe()).toMatchObject({ [SEATS]: 5 });
    expect(world.errors).toEqual([]);
    await other.close();
  });

  test('of two that expect the same number, one is told that it has changed', async () => {
    const world = await createSeatsWorld(options());
    const other = world.open();
    const [one, two] = await Promise.allSettled(
      [world.usage, other].map((usage, index) =>
        usage.seats.set({ account: 'acct_1', seats: 5 + index, expected: 1 }),
      ),
    );
    const refused = [one, two].find((result) => result?.status === 'rejected');
    expect(refused).toMatchObject({ reason: { code: 'seats_changed', status: 409, field: 'expected' } });
    const made = [one, two].find((result) => result?.status === 'fulfilled');
    expect(made).toMatchObject({ value: await world.seats() });
    await other.close();
  });

  test('a plan change keeps the seats, also of whoever joins meanwhile', async () => {
    const world = await createSeatsWorld({ ...options(), seats: 3 });
    const other = world.open();
    const changing = world.usage.plans.change({ account: 'acct_1', plan: 'enterprise' });
    const [changed, joined] = await Promise.allSettled([changing, world.join(other)]);
    // Whichever was first: the seat is there once, and a refused change changed nothing.
    expect(joined).toMatchObject({ value: { seats: 4, pending_seats: null } });
    const plan = changed.status === 'fulfilled' ? 'enterprise' : 'team';
    if (changed.status === 'rejected') expect(changed.reason).toMatchObject({ code: 'change_pending' });
    expect(await world.atStripe()).toMatchObject({ [`tallybook:${plan}:month:@seats`]: 4 });
    await other.close();
  });

  test('nobody joins a subscription that is cancelled meanwhile', async () => {
    const world = await createSeatsWorld(options());
    const other = world.open();
    const [cancelled, joined] = await Promise.allSettled([
      world.usage.subscriptions.cancel({ account: 'acct_1', when: 'now' }),
      world.join(other),
    ]);
    if (joined.status === 'rejected') {
      expect(joined.reason).toMatchObject({ code: 'subscription_not_found' });
      expect(cancelled).toMatchObject({ value: { kind: 'cancel', status: 'done' } });
    } else {
      expect(joined.value).toMatchObject({ seats: 2, pending_seats: null });
    }
    if (cancelled.status === 'rejected') {
      expect(cancelled.reason).toMatchObject({ code: 'change_pending' });
      await world.usage.subscriptions.cancel({ account: 'acct_1', when: 'now' });
    }
    await expect(world.join()).rejects.toMatchObject({ code: 'subscription_not_found' });
    await other.close();
  });
});

test('who joins between the look of another and what that one asks for, is not lost', async () => {
  const world = await createSeatsWorld();
  let isFirst = true;
  const slow = world.open(undefined, {
    provider: (provider) => ({
      ...provider,
      listLiveSubscriptions: async (params) => {
        const read = await provider.listLiveSubscriptions(params);
        if (isFirst) {
          isFirst = false;
          await world.join();
        }
        return read;
      },
    }),
  });
  await expect(world.join(slow)).resolves.toMatchObject({ seats: 3, pending_seats: null });
  expect(await world.atStripe()).toMatchObject({ [SEATS]: 3 });
  await slow.close();
});

describe('a seat', () => {
  test('is invoiced at once for the rest of the period, and what is given back is credited, tier by tier', async () => {
    const world = await createSeatsWorld();
    await world.pass(DAY);
    await expect(world.join()).resolves.toMatchObject({ seats: 2, interval: 'month' });
    await world.pass(10 * DAY);
    const set = (seats: number) => world.usage.seats.set({ account: 'acct_1', seats });
    await expect(set(12)).resolves.toMatchObject({ seats: 12, pending_seats: null });
    await world.pass(10 * DAY);
    await expect(world.leave()).resolves.toMatchObject({ seats: 11 });
    // 30 of 31 days of one; 20 days of eight at the full price and two at half of it; 10 days of one at half.
    expect(await world.invoiced()).toEqual([3_000, 8 * 2_000 + 2 * 1_000, -500]);
    const { prices } = world.usage.plans.list()[2] ?? { prices: [] };
    expect((await world.seats()).price).toEqual(expect.objectContaining({ tiers: prices[0]?.tiers }));
  });

  test('that changes nothing asks Stripe for nothing', async () => {
    const world = await createSeatsWorld({ seats: 4 });
    await expect(world.usage.seats.set({ account: 'acct_1', seats: 4 })).resolves.toMatchObject({ seats: 4 });
    expect(
      world.simulator
        .requests()
        .filter(({ path, method }) => method === 'POST' && SUBSCRIPTION.path.test(path)),
    ).toEqual([]);
    expect(await world.usage.subscriptions.lastChange({ account: 'acct_1' })).toBeNull();
  });

  test('that was sold in the Dashboard is there, and is added to', async () => {
    const world = await createSeatsWorld();
    await world.setAtStripe(7);
    expect(await world.seats()).toMatchObject({ seats: 7 });
    await expect(world.join()).resolves.toMatchObject({ seats: 8 });
  });

  test('leaves the usage of the period alone', async () => {
    const world = await createSeatsWorld();
    await world.usage.increment({ account: 'acct_1', quantity: 70 });
    await world.pass(DAY);
    await world.join();
    await world.usage.increment({ account: 'acct_1', quantity: 30 });
    expect(await world.usage.get({ account: 'acct_1' })).toMatchObject({
      quantity: 100,
      cost: { amount: 200 },
    });
    await world.passTime(world.end + 2 * HOUR);
    expect(await world.invoiced()).toEqual([3_000, 200 + 2 * 3_100]);
  });
});

describe('the seats of a plan change', () => {
  test('are as many as before, as many as told, none where the plan sells none, and one to begin with', async () => {
    const world = await createSeatsWorld({ seats: 3 });
    const change = async (plan: string, seats?: number) => {
      await world.usage.plans.change({ account: 'acct_1', plan, ...(seats === undefined ? {} : { seats }) });
      await world.pass(MINUTE);
      return await world.atStripe();
    };
    expect(await change('enterprise')).toEqual({
      'tallybook:enterprise:month:credits': null,
      'tallybook:enterprise:month:@base_fee': 1,
      'tallybook:enterprise:month:@seats': 3,
    });
    expect(await change('enterprise', 5)).toMatchObject({ 'tallybook:enterprise:month:@seats': 5 });
    expect(await change('pro')).toEqual({ 'tallybook:pro:month:credits': null });
    await expect(world.seats()).rejects.toMatchObject({ code: 'seats_not_sold', status: 409 });
    expect(await change('team')).toEqual({ 'tallybook:team:month:credits': null, [SEATS]: 1 });
    expect(await change('pro')).not.toHaveProperty(SEATS);
    expect(await change('team', 4)).toMatchObject({ [SEATS]: 4 });
    await expect(change('pro', 4)).rejects.toMatchObject({ code: 'seats_not_sold', field: 'seats' });
  });
});

describe('when the answer of Stripe to a seat', () => {
  test.each([
    ['is lost on its way', { kind: 'reset_after' }],
    ['never comes', { kind: 'hang' }],
    [
      'never comes, and the request arrives ten minutes later',
      { kind: 'hang', effect_after_ms: 10 * MINUTE },
    ],
    ['is a 500 though it took effect', { kind: '500_after' }],
    ['is a 500 and it took no effect', { kind: '500_before', times: 3 }],
    ['is 429 for a while', { kind: '429', times: 5 }],
    ['is 409 for a while', { kind: '409', times: 2 }],
    ['is a page of the network', { kind: 'html_200', times: 2 }],
  ] as const)('%s: it is pending, then sold once, and no later one is undone', async (_, fault) => {
    const world = await createSeatsWorld({ stripe_timeout_ms: 50 });
    world.simulator.faults.add({ ...fault, ...SUBSCRIPTION });
    expect(await world.join()).toMatchObject({ seats: 1, pending_seats: 2 });
    expect(await world.seats()).toMatchObject({ pending_seats: 2 });
    await expect(world.join()).rejects.toMatchObject({ code: 'change_pending' });
    await world.pass(5 * MINUTE);
    // The next one comes as soon as Stripe lets it.
    for (let minute = 0; (await world.seats()).pending_seats !== null && minute < 60; minute += 1) {
      await world.pass(MINUTE);
    }
    expect(await world.join()).toMatchObject({ seats: 3, pending_seats: null });
    await world.pass(HOUR);
    expect(await world.seats()).toMatchObject({ seats: 3, pending_seats: null });
    expect(await world.atStripe()).toMatchObject({ [SEATS]: 3 });
    expect(await world.invoiced()).toHaveLength(2);
  });

  test('of a plan change never comes, and the request arrives an hour later: later seats are not undone', async () => {
    const world = await createSeatsWorld({ seats: 3 });
    const lastChange = () => world.usage.subscriptions.lastChange({ account: 'acct_1' });
    world.simulator.faults.add({ kind: 'reset', ...SUBSCRIPTION, effect_after_ms: HOUR });
    await world.usage.plans.change({ account: 'acct_1', plan: 'team', seats: 10 });
    for (
      let waited = 0;
      (await lastChange())?.status === 'pending' && waited < 2 * HOUR;
      waited += 10 * MINUTE
    ) {
      await world.pass(10 * MINUTE);
    }
    expect(await lastChange()).toMatchObject({ status: 'done', kind: 'plan' });
    await world.usage.seats.set({ account: 'acct_1', seats: 12 });
    await world.pass(2 * HOUR);
    expect(await world.atStripe()).toMatchObject({ [SEATS]: 12 });
  });

  test('does not come within the time of a call, the worker completes it', async () => {
    const world = await createSeatsWorld({ stripe_timeout_ms: 50 });
    world.simulator.faults.add({ kind: '500_before', ...SUBSCRIPTION, times: 10 });
    await world.join();
    await world.usage.close();
    const next = world.open();
    await world.passTime(world.clock.now() + HOUR, next.worker);
    expect(await next.seats.get({ account: 'acct_1' })).toMatchObject({ seats: 2, pending_seats: null });
    await next.close();
  });

  test('is a refusal, nothing is changed, and the caller is told', async () => {
    const world = await createSeatsWorld();
    await world.stripe.subscriptions.cancel(world.subscription.id);
    await expect(world.join()).rejects.toMatchObject({ code: 'subscription_not_found' });
  });
});

describe('what is refused', () => {
  test.each<[string, object, object]>([
    ['no seats', { seats: 0 }, { field: 'seats', message: expect.stringContaining('subscriptions.cancel') }],
    ['half a seat', { seats: 1.5 }, { field: 'seats' }],
    ['more than a million', { seats: 1_000_001 }, { field: 'seats' }],
    ['a text', { seats: '3' }, { field: 'seats' }],
    ['nothing', {}, { field: 'seats' }],
    ['to expect none', { seats: 3, expected: 0 }, { field: 'expected' }],
    ['an unknown field', { seats: 3, quantity: 3 }, { field: 'quantity' }],
  ])('to set %s', async (_, fields, error) => {
    const world = await createSeatsWorld();
    await expect(world.usage.seats.set({ account: 'acct_1', ...fields } as never)).rejects.toMatchObject({
      code: 'invalid_parameter',
      ...error,
    });
    expect(await world.seats()).toMatchObject({ seats: 1 });
  });

  test('that the last one leaves, who cancels, and to add nothing', async () => {
    const world = await createSeatsWorld();
    const error = { code: 'invalid_parameter', message: expect.stringContaining('There are 1 seats') };
    await expect(world.leave()).rejects.toMatchObject(error);
    for (const seats of [0, 0.5, '1', undefined]) {
      const adding = world.usage.seats.add({ account: 'acct_1', seats } as never);
      await expect(adding).rejects.toMatchObject({ code: 'invalid_parameter', field: 'seats' });
    }
    expect(await world.invoiced()).toEqual([]);
  });

  test('seats of an account that nobody knows, or that has no subscription', async () => {
    const world = await createSeatsWorld();
    await world.usage.accounts.set({ account: 'acct_2', plan: 'free' });
    const get = (account: string) => world.usage.seats.get({ account });
    await expect(get('nobody')).rejects.toMatchObject({ code: 'account_not_found' });
    await expect(get('acct_2')).rejects.toMatchObject({ code: 'subscription_not_found' });
    await expect(get('')).rejects.toMatchObject({ code: 'invalid_account' });
  });

  test('everything without Stripe', async () => {
    const world = await createSeatsWorld();
    world.simulator.faults.add({ kind: '500_before', times: 1 });
    await expect(world.seats()).rejects.toMatchObject({ code: 'stripe_unavailable' });
  });
});

test('plans are listed as customers may see them', async () => {
  const world = await createSeatsWorld();
  const [free, , team] = world.usage.plans.list();
  expect(free).toEqual({ plan: 'free', name: 'Free', prices: [], limits: { credits: 100 } });
  expect(team).toMatchObject({ plan: 'team', name: 'Team', limits: {} });
  expect(team?.prices.map(({ usage_type, interval }) => [usage_type, interval])).toEqual([
    ['licensed', 'month'],
    ['metered', 'month'],
  ]);
  expect(JSON.stringify(world.usage.plans.list())).not.toMatch(/lookup_key|stripe_price/);
});
