import { describe, expect, test } from 'vitest';
import { StripeClock } from '../src/stripe/stripe-clock.ts';
import { createMovableClock } from '../src/testing/index.ts';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { createPayingWorld, type PayingWorld } from './support/paying-world.ts';

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
  const aheadAfter = (...dates: (string | undefined)[]) => {
    const stripeClock = new StripeClock(clock);
    for (const date of dates) stripeClock.answered(date);
    return stripeClock.now() - clock.now();
  };
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
