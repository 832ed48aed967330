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

describe('Stripe’s clock', () => {
  const clock = createMovableClock({ start: Date.UTC(2026, 0, 10, 12) });
  const aheadAfter = (...dates: (string | undefined)[]) => {
    const stripeClock = new StripeClock(clock);
    for (const date of dates) stripeClock.answered(date);
    return stripeClock.ahead_ms;
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
});
