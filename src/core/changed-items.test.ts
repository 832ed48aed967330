import { describe, expect, test } from 'vitest';
import { itemFrom } from '../testing/store-scene.ts';
import { currentItems, endedItems, type ItemEnding } from './changed-items.ts';
import { DAY_MS, HOUR_MS } from './instant.ts';

const START = Date.UTC(2026, 0, 10, 12);
const SWAP = START + DAY_MS;
const NOW = START + 2 * DAY_MS + 300;

const old = itemFrom(START);
const newPrice = itemFrom(START, { stripe_price: 'price_2' });
const successor = itemFrom(SWAP, { stripe_subscription_item: 'si_2', stripe_price: 'price_2' });
const toldAt = (ended_at: number, id = 'si_1'): ItemEnding => ({ stripe_subscription_item: id, ended_at });

const current = (
  known: Parameters<typeof endedItems>[0],
  listed: Parameters<typeof endedItems>[1],
  endings: readonly ItemEnding[] = [],
) => currentItems({ known, listed, endings, now: NOW }).toSorted((a, b) => a.billed_from - b.billed_from);

test('what is listed as it was known, or is new, stays as Stripe lists it', () => {
  expect(current([], [old])).toEqual([old]);
  const renewed = { ...old, current_period_start: SWAP, current_period_end: SWAP + DAY_MS };
  expect(current([old], [renewed])).toEqual([renewed]);
  expect(endedItems([old], [renewed])).toEqual([]);
  expect(endedItems([], [old])).toEqual([]);
});

describe('a price that was swapped in place', () => {
  test('makes two stretches, which meet at the instant that was learned', () => {
    expect(endedItems([old], [newPrice])).toEqual([old]);
    expect(current([old], [newPrice], [toldAt(SWAP)])).toEqual([
      { ...old, ended_at: SWAP },
      { ...newPrice, started_at: SWAP, billed_from: SWAP },
    ]);
  });

  test('counts from now, in whole seconds, where nothing tells', () => {
    const [first, second] = current([old], [newPrice], [toldAt(SWAP, 'si_9')]);
    expect([first?.ended_at, second?.billed_from]).toEqual([NOW - 300, NOW - 300]);
  });

  test('stays where it was in later reads, also when the price is swapped back', () => {
    const two = current([old], [newPrice], [toldAt(SWAP)]);
    for (const known of [two, two.toReversed()]) {
      expect(current(known, [newPrice])).toEqual(two);
      expect(endedItems(known, [newPrice])).toEqual([]);
    }
    const back = current(two, [old], [toldAt(SWAP + HOUR_MS)]);
    expect(
      back.map(({ stripe_price, billed_from, ended_at }) => [stripe_price, billed_from, ended_at]),
    ).toEqual([
      ['price_1', START, SWAP],
      ['price_2', SWAP, SWAP + HOUR_MS],
      ['price_1', SWAP + HOUR_MS, null],
    ]);
  });

  test('and ends with its subscription, leaves both ends', () => {
    const ended_at = SWAP + HOUR_MS;
    const ended = { ...newPrice, ended_at };
    const two = [
      { ...old, ended_at: SWAP },
      { ...ended, started_at: SWAP, billed_from: SWAP },
    ];
    expect(current([old], [ended], [toldAt(SWAP)])).toEqual(two);
    expect(current(two, [ended])).toEqual(two);
    // Noticed after the end: the old price bills until then at most.
    expect(current([old], [ended]).map((item) => item.ended_at)).toEqual([ended_at, ended_at]);
  });

  test('after the item had ended is none', () => {
    const ended = { ...old, ended_at: SWAP };
    expect(endedItems([ended], [{ ...newPrice, ended_at: SWAP }])).toEqual([]);
  });

  test('within the second that it began in, billed nothing before, and keeps an earlier request', () => {
    const requested = { ...old, started_at: START - 5_000 };
    expect(current([requested], [newPrice], [toldAt(START)])).toEqual([
      { ...newPrice, started_at: START - 5_000 },
    ]);
  });
});

describe('an item that is gone', () => {
  test('ended when its successor was made, and nothing more is asked', () => {
    expect(endedItems([old], [successor])).toEqual([]);
    expect(current([old], [successor])).toEqual([{ ...old, ended_at: SWAP }, successor]);
  });

  test('has its first successor', () => {
    const later = itemFrom(SWAP + HOUR_MS, { stripe_subscription_item: 'si_3' });
    expect(current([old], [later, successor])[0]?.ended_at).toBe(SWAP);
  });

  test('has a successor that bills since the same instant: it billed nothing', () => {
    const replacement = { ...newPrice, stripe_subscription_item: 'si_2' };
    expect(endedItems([old], [replacement])).toEqual([]);
    expect(current([old], [replacement])).toEqual([{ ...old, ended_at: START }, replacement]);
  });

  test.each([
    ['of another subscription', { ...successor, stripe_subscription: 'sub_2' }],
    ['of another meter', { ...successor, meter: 'tokens' }],
    ['that is older', { ...successor, billed_from: START - 1 }],
  ])('has no successor in an item %s', (_, other) => {
    expect(endedItems([old], [other])).toEqual([old]);
    expect(
      current([old], [other]).find(({ stripe_subscription_item }) => stripe_subscription_item === 'si_1')
        ?.ended_at,
    ).toBe(NOW - 300);
  });

  test('has no successor in an item that billed beside it', () => {
    expect(endedItems([old, successor], [successor])).toEqual([old]);
  });

  test('ended when Stripe says, and stays as it ended', () => {
    const gone = current([old], [], [toldAt(SWAP)]);
    expect(gone).toEqual([{ ...old, ended_at: SWAP }]);
    expect(endedItems(gone, [])).toEqual([]);
    expect(current(gone, [], [toldAt(SWAP + HOUR_MS)])).toEqual(gone);
  });
});

test('an item that is learned to have begun at an earlier request began then', () => {
  const requested = { ...old, started_at: START - 4_000 };
  expect(current([old], [requested])).toEqual([requested]);
});

describe('a trial that is given to an item that billed', () => {
  const TRIAL_END = SWAP + 5 * DAY_MS;
  const onTrial = {
    ...old,
    trial_end: TRIAL_END,
    anchor: TRIAL_END,
    current_period_start: SWAP,
    current_period_end: TRIAL_END,
  };
  const two = [
    { ...old, ended_at: SWAP },
    { ...onTrial, started_at: SWAP, billed_from: SWAP },
  ];

  test('makes two stretches: what was used before Stripe began it stays billed', () => {
    expect(current([old], [onTrial])).toEqual(two);
    expect(endedItems([old], [onTrial])).toEqual([]);
  });

  test('stays where it was in later reads, also when it is prolonged, and when it is over', () => {
    expect(current(two, [onTrial])).toEqual(two);
    for (const later of [
      { trial_end: TRIAL_END + DAY_MS, current_period_start: SWAP + DAY_MS },
      { current_period_start: TRIAL_END },
    ]) {
      const read = { ...onTrial, ...later };
      expect(current(two, [read])).toEqual([two[0], { ...read, started_at: SWAP, billed_from: SWAP }]);
    }
  });

  test('begins anew after a trial that is over', () => {
    const tried = { ...old, trial_end: SWAP - 1 };
    expect(current([tried], [onTrial])).toEqual([{ ...tried, ended_at: SWAP }, two[1]]);
  });

  test.each([
    ['was there from the start', { ...old, trial_end: TRIAL_END }, onTrial],
    ['follows upon another trial', { ...old, trial_end: SWAP }, onTrial],
    ['began with the item', old, { ...onTrial, current_period_start: START }],
    ['was over before it was learned of', old, { ...onTrial, current_period_start: TRIAL_END }],
  ])('makes no stretch where it %s', (_, known, listed) => {
    expect(current([known], [listed])).toHaveLength(1);
  });
});

describe('an item whose subscription is paused', () => {
  const paused = { ...old, ended_at: SWAP };
  const RESUMED = SWAP + HOUR_MS;
  const listed = { ...old, anchor: RESUMED, current_period_start: RESUMED };

  test('bills nothing from the pause on, and again from the period that Stripe begins when it is resumed', () => {
    expect(current([old], [paused])).toEqual([paused]);
    const two = current([paused], [listed]);
    expect(two).toEqual([paused, { ...listed, started_at: RESUMED, billed_from: RESUMED }]);
    expect(current(two, [listed])).toEqual(two);
  });

  test('bills another price when it is resumed with one', () => {
    const other = { ...listed, stripe_price: 'price_2' };
    expect(endedItems([paused], [other])).toEqual([]);
    expect(current([paused], [other])[1]).toEqual({ ...other, started_at: RESUMED, billed_from: RESUMED });
  });

  test('goes on as if nothing had been where Stripe goes on with its period', () => {
    expect(current([paused], [old])).toEqual([old]);
    const just_before = { ...old, current_period_start: SWAP - 1 };
    expect(current([paused], [just_before])).toEqual([just_before]);
    const at_once = { ...old, current_period_start: SWAP };
    expect(current([paused], [at_once])).toEqual([
      paused,
      { ...at_once, started_at: SWAP, billed_from: SWAP },
    ]);
  });

  test('stays ended at the pause when its subscription ends in it', () => {
    expect(current([paused], [{ ...old, ended_at: RESUMED }])).toEqual([paused]);
  });
});

test('a switch of ours stays at its request, whatever Stripe lists later', () => {
  const known = { ...successor, started_at: SWAP - 4_000 };
  expect(current([known], [successor])).toEqual([known]);
  const cancelled = { ...old, ended_at: SWAP - 4_000 };
  expect(current([cancelled], [{ ...old, ended_at: SWAP }])).toEqual([cancelled]);
  expect(current([old], [{ ...old, ended_at: SWAP }])).toEqual([{ ...old, ended_at: SWAP }]);
});

test('an item that Stripe lists as begun later than it was known began later', () => {
  const later = itemFrom(SWAP, { stripe_price: 'price_1' });
  expect(current([old], [later])).toEqual([later]);
});
