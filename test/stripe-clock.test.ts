import { describe, expect, test } from 'vitest';
import { StripeClock } from '../src/stripe/stripe-clock.ts';
import { createMovableClock } from '../src/testing/index.ts';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { createPayingWorld, type PayingWorld } from './support/paying-world.ts';
import { createSeatsWorld } from './support/seats-world.ts';

const IN_TIME = { lag_minutes: [0, 10] } as const;
/** Usage of the first period, reported in it. */
const FIRST = 40;

/** Stripe has answered in the period, and more is used in its last minute. */
async function createBehindWorld(minutes_behind: number): Promise<PayingWorld> {
  const world = await createPayingWorld({ ...IN_TIME, skew_ms: -minutes_behind * MINUTE });
  // What such an app stamps in its first hours is older than the subscription, and free.
  await world.passTime(world.clock.now() + 2 * HOUR);
  await world.usage.increment({ account: 'acct_1', quantity: FIRST });
  await world.passTime(world.end - MINUTE);
  await world.usage.increment({ account: 'acct_1', quantity: 30 });
  return world;
}

async function quantities(world: PayingWorld): Promise<unknown[]> {
  return (await world.billedLines(world.customer.id)).map(({ quantity }) => quantity);
}

describe('an app whose clock is behind Stripe’s', () => {
  test.each([20, 60, 90])(
    'by %s minutes closes a billing period before its invoice is final',
    async (minutes) => {
      const world = await createBehindWorld(minutes);
      await world.passTime(world.end + 2 * HOUR);
      expect(await quantities(world)).toEqual([FIRST + 30]);
      expect(world.errors).toEqual([]);
    },
  );

  test('sends what it stamps before the end while the invoice is a draft, and bills what comes later next', async () => {
    const world = await createBehindWorld(90);
    await world.passTime(world.end + 10 * MINUTE);
    await world.usage.increment({ account: 'acct_1', quantity: 4 });
    await world.passTime(world.end + 80 * MINUTE);
    await world.usage.increment({ account: 'acct_1', quantity: 5 });
    await world.passTime(world.end + 32 * DAY);
    expect(await quantities(world)).toEqual([FIRST + 34, 5]);
    expect(world.counted()).toBe(FIRST + 39);
    expect(world.errors).toEqual([]);
  });

  test('bills usage next where Stripe has told its time only after the invoice was final', async () => {
    const world = await createBehindWorld(90);
    // A process that has just started has heard nothing of Stripe.
    await world.usage.close();
    const usage = world.open();
    await world.passTime(world.end + 35 * DAY, usage.worker);
    await usage.close();
    expect(await world.billedQuantity()).toBe(FIRST + 30);
    expect(world.counted()).toBe(FIRST + 30);
  });
});

/** On a plan at 2 cents a credit; `enterprise` costs 1 cent. Some usage is at Stripe, and more is not. */
async function createAheadWorld(ahead_ms: number) {
  const world = await createSeatsWorld({ skew_ms: ahead_ms });
  const use = (quantity: number) => world.usage.increment({ account: 'acct_1', quantity });
  await world.pass(3 * HOUR);
  await use(70);
  await world.usage.report();
  await world.pass(4 * HOUR);
  await use(30);
  return {
    ...world,
    use,
    change: () => world.usage.plans.change({ account: 'acct_1', plan: 'enterprise' }),
    cancelNow: () => world.usage.subscriptions.cancel({ account: 'acct_1', when: 'now' }),
    lastChange: () => world.usage.subscriptions.lastChange({ account: 'acct_1' }),
    /** Credits that final invoices bill, oldest first: units and cents. */
    billed: async () =>
      (await world.billedLines(world.customer.id))
        .filter(({ description }) => description?.includes('credits'))
        .map(({ quantity, amount }) => [quantity, amount]),
  };
}

describe('an app whose clock is ahead of Stripe’s', () => {
  const ahead = [
    ['90 seconds', 90_000],
    ['4 minutes', 4 * MINUTE],
    ['an hour', HOUR],
  ] as const;

  test.each(ahead)(
    'by %s changes a plan once it is as late at Stripe: what was used has the old price',
    async (_, ahead_ms) => {
      const world = await createAheadWorld(ahead_ms);
      await world.change();
      await world.use(9);
      await world.pass(3 * HOUR);
      await world.use(4);
      await world.passTime(world.end + 3 * DAY);
      expect(await world.lastChange()).toMatchObject({ status: 'done' });
      expect(await world.billed()).toEqual([
        [100, 200],
        [13, 13],
      ]);
    },
  );

  test.each(ahead)('by %s cancels then, too: what was used is invoiced', async (_, ahead_ms) => {
    const world = await createAheadWorld(ahead_ms);
    await world.cancelNow();
    await world.use(9);
    await world.pass(3 * HOUR);
    expect(await world.lastChange()).toMatchObject({ status: 'done' });
    expect(await world.billed()).toEqual([[100, 200]]);
  });

  test('waits for it also in a process that has heard nothing of Stripe yet', async () => {
    const world = await createAheadWorld(4 * MINUTE);
    await world.change();
    await world.pass(MINUTE);
    // Everything is counted: the next process has nothing to ask Stripe before it changes the subscription.
    expect(world.simulator.counted(world.customer.id, 'credits', 0, world.end)).toBe(100);
    await world.usage.close();
    const next = world.open();
    await next.worker.tick();
    expect(await next.subscriptions.lastChange({ account: 'acct_1' })).toMatchObject({
      status: 'pending',
      reason: 'By Stripe’s clock it is not requested yet.',
    });
    await world.passTime(world.clock.now() + 5 * MINUTE, next.worker);
    expect(await world.billed()).toEqual([[100, 200]]);
    await next.close();
  });
});

/** Lets Stripe answer something that changes nothing. */
async function askStripe(world: PayingWorld): Promise<void> {
  await world.usage.invoices.list({ account: 'acct_1' });
}

describe('a billing period is not ended before its time', () => {
  test('by a clock that was hours behind and is set right', async () => {
    let skew_ms = 0;
    const world = await createPayingWorld({ ...IN_TIME, skew_ms: () => skew_ms });
    await world.passTime(world.end - 2 * HOUR);
    await world.usage.increment({ account: 'acct_1', quantity: FIRST });
    skew_ms = -3 * HOUR;
    await askStripe(world);
    skew_ms = 0;
    const rows = world.rows();
    await world.usage.worker.tick();
    expect(world.rows()).toEqual(rows);
    await world.passTime(world.end + 2 * HOUR);
    expect(await quantities(world)).toEqual([70 + FIRST]);
    expect(world.errors).toEqual([]);
  });

  test('by one answer with a wrong date: what that has sealed waits', async () => {
    let ahead_ms = 0;
    const world: PayingWorld = await createPayingWorld({
      ...IN_TIME,
      stripe_fetch: async (input, init) => {
        const answer = await world.simulator.fetch(input, init);
        const headers = new Headers(answer.headers);
        headers.set('date', new Date(world.clock.now() + ahead_ms).toUTCString());
        return new Response(answer.body, { status: answer.status, headers });
      },
    });
    await world.passTime(world.end - 2 * HOUR);
    await world.usage.increment({ account: 'acct_1', quantity: FIRST });
    const sent = world.sent().length;
    ahead_ms = 3 * HOUR;
    await askStripe(world);
    ahead_ms = 0;
    await world.usage.worker.tick();
    expect(world.sent()).toHaveLength(sent);
    expect(world.rows().at(-1)).toMatchObject({ status: 'closed', quantity: FIRST });
    // What comes in the hours that are left is late.
    await world.usage.increment({ account: 'acct_1', quantity: 5 });
    await world.passTime(world.end + 2 * HOUR);
    expect(await quantities(world)).toEqual([70 + FIRST + 5]);
    expect(world.errors).toEqual([]);
  });
});

describe('Stripe’s clock', () => {
  const clock = createMovableClock({ start: Date.UTC(2026, 0, 10, 12) });
  const clockAfter = (dates: readonly (string | undefined)[]) => {
    const stripeClock = new StripeClock(clock);
    for (const date of dates) stripeClock.answered(date);
    return stripeClock;
  };
  const aheadAfter = (...dates: (string | undefined)[]) => clockAfter(dates).now() - clock.now();
  const behindAfter = (...dates: (string | undefined)[]) => clock.now() - clockAfter(dates).earliest();
  const dateIn = (ms: number) => new Date(clock.now() + ms).toUTCString();

  test('is ahead by what the last answer said', () => {
    expect(aheadAfter(dateIn(2 * HOUR), dateIn(HOUR))).toBe(HOUR);
    expect(aheadAfter(dateIn(HOUR), dateIn(0))).toBe(0);
  });

  test.each([
    ['no answer', []],
    ['a difference of less than a minute', [dateIn(59_000)]],
    ['a clock that is behind ours', [dateIn(-HOUR)]],
    ['more than a day', [dateIn(DAY + HOUR)]],
    ['no date', [undefined, '', 'soon']],
  ])('is not ahead by %s', (_, dates) => {
    expect(aheadAfter(...dates)).toBe(0);
  });

  test('is behind by what the last answer said', () => {
    expect(behindAfter(dateIn(-2 * HOUR), dateIn(-3_000))).toBe(3_000);
    expect(behindAfter(dateIn(-HOUR), dateIn(0))).toBe(0);
    expect(behindAfter(dateIn(-HOUR), undefined)).toBe(HOUR);
  });

  test.each([
    ['no answer', []],
    ['what an answer leaves out of a second, and the time it takes', [dateIn(-2_000)]],
    ['a clock that is ahead of ours', [dateIn(HOUR)]],
    ['more than a day', [dateIn(-DAY - HOUR)]],
  ])('is not behind by %s', (_, dates) => {
    expect(behindAfter(...dates)).toBe(0);
  });

  test('is not forgotten for an answer without a date', () => {
    expect(aheadAfter(dateIn(HOUR), undefined, 'soon')).toBe(HOUR);
  });

  test('goes on evenly whichever way ours is set, and in whole milliseconds', () => {
    const ours = { wall: clock.now(), monotonic: 0.25 };
    const stripeClock = new StripeClock({
      now: () => ours.wall,
      monotonic: () => ours.monotonic,
      sleep: async () => {},
    });
    stripeClock.answered(dateIn(3 * HOUR));
    ours.monotonic += 5 * MINUTE + 0.5;
    const atStripe = clock.now() + 3 * HOUR + 5 * MINUTE;
    expect(stripeClock.now()).toBe(atStripe);
    ours.wall = atStripe + 400;
    expect(stripeClock.now()).toBe(ours.wall);
    ours.wall = atStripe - 8 * HOUR;
    expect(stripeClock.now()).toBe(atStripe);
  });

  test('follows a clock that is only moved', () => {
    const moved = createMovableClock({ start: clock.now() });
    const stripeClock = new StripeClock(moved);
    stripeClock.answered(dateIn(HOUR));
    moved.advance(DAY);
    expect(stripeClock.now()).toBe(moved.now() + HOUR);
  });
});
