import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addMonths,
  billingPeriodAt,
  countingPeriodAt,
  LATE_WINDOW_MS,
  mayBeInvoiced,
  periodAt,
  type SubscriptionItem,
} from './billing-period.ts';
import { DAY_MS, formatInstant, HOUR_MS } from './instant.ts';

const at = (iso: string) => Date.parse(iso);
const shown = ({ start, end }: { start: number; end: number }) => [formatInstant(start), formatInstant(end)];

describe('months', () => {
  test('the 31st is clamped to shorter months and comes back after them', () => {
    const anchor = at('2026-01-31T10:00:00Z');
    expect([1, 2, 3].map((n) => formatInstant(addMonths(anchor, n)))).toEqual([
      '2026-02-28T10:00:00.000Z',
      '2026-03-31T10:00:00.000Z',
      '2026-04-30T10:00:00.000Z',
    ]);
    expect(formatInstant(addMonths(at('2028-01-31T00:00:00Z'), 1))).toBe('2028-02-29T00:00:00.000Z');
    expect(formatInstant(addMonths(at('2026-11-30T00:00:00Z'), 3))).toBe('2027-02-28T00:00:00.000Z');
    expect(formatInstant(addMonths(at('2026-01-15T00:00:00Z'), -1))).toBe('2025-12-15T00:00:00.000Z');
  });

  test('a leap day’s yearly period ends on 28 February', () => {
    const year = { anchor: at('2028-02-29T00:00:00Z'), interval: 'year', interval_count: 1 } as const;
    expect(shown(periodAt(year, at('2029-02-28T00:00:00Z')))).toEqual([
      '2029-02-28T00:00:00.000Z',
      '2030-02-28T00:00:00.000Z',
    ]);
    expect(shown(periodAt(year, at('2032-03-01T00:00:00Z')))[0]).toBe('2032-02-29T00:00:00.000Z');
  });

  test('periods of any recurrence tile time, before the anchor as well', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: at('1990-01-01'), max: at('2090-01-01') }),
        fc.integer({ min: at('1990-01-01'), max: at('2090-01-01') }),
        fc.constantFrom('day', 'week', 'month', 'year'),
        fc.integer({ min: 1, max: 13 }),
        (anchor, instant, interval, interval_count) => {
          const recurrence = { anchor, interval, interval_count } as const;
          const period = periodAt(recurrence, instant);
          expect(period.start).toBeLessThanOrEqual(instant);
          expect(period.end).toBeGreaterThan(instant);
          expect(periodAt(recurrence, period.end).start).toBe(period.end);
          expect(periodAt(recurrence, period.start - 1).end).toBe(period.start);
        },
      ),
    );
  });
});

const ITEM: SubscriptionItem = {
  stripe_subscription: 'sub_1',
  stripe_subscription_item: 'si_1',
  meter: 'credits',
  stripe_price: 'price_1',
  price: { currency: 'usd', unit_amount_decimal: '1' },
  anchor: at('2026-02-10T12:00:00Z'),
  interval: 'month',
  interval_count: 1,
  started_at: at('2026-02-10T12:00:00Z'),
  billed_from: at('2026-02-10T12:00:00Z'),
  trial_end: null,
  ended_at: null,
  current_period_start: at('2026-02-10T12:00:00Z'),
  current_period_end: at('2026-03-10T12:00:00Z'),
};
const CREATED = at('2026-01-05T08:00:00Z');

describe('billing periods', () => {
  test('without a subscription they are months anchored at the account’s creation', () => {
    const timeline = { created_at: CREATED, items: [] };
    expect(billingPeriodAt(timeline, at('2026-02-20T00:00:00Z'))).toMatchObject({ billed_by: 'none' });
    expect(shown(billingPeriodAt(timeline, at('2026-02-20T00:00:00Z')))).toEqual([
      '2026-02-05T08:00:00.000Z',
      '2026-03-05T08:00:00.000Z',
    ]);
  });

  test('a subscription cuts the month in which it starts, and its own periods follow', () => {
    const timeline = { created_at: CREATED, items: [ITEM] };
    expect(shown(billingPeriodAt(timeline, ITEM.started_at - 1))).toEqual([
      '2026-02-05T08:00:00.000Z',
      '2026-02-10T12:00:00.000Z',
    ]);
    const paid = billingPeriodAt(timeline, ITEM.started_at);
    expect(paid).toMatchObject({ billed_by: 'paid', items: [ITEM] });
    expect(shown(paid)).toEqual(['2026-02-10T12:00:00.000Z', '2026-03-10T12:00:00.000Z']);
    expect(shown(billingPeriodAt(timeline, at('2026-03-10T12:00:00Z')))).toEqual([
      '2026-03-10T12:00:00.000Z',
      '2026-04-10T12:00:00.000Z',
    ]);
  });

  test('a trial is a period of its own, and payment begins at its end', () => {
    const trial_end = at('2026-02-17T12:00:00Z');
    const item = { ...ITEM, trial_end, anchor: trial_end, current_period_end: trial_end };
    const timeline = { created_at: CREATED, items: [item] };
    const trial = billingPeriodAt(timeline, trial_end - 1);
    expect(trial).toMatchObject({ billed_by: 'trial', end: trial_end, is_cut_short: false });
    expect(mayBeInvoiced(trial, trial_end + LATE_WINDOW_MS)).toBe(false);
    const ended_at = trial_end - DAY_MS;
    expect(billingPeriodAt({ ...timeline, items: [{ ...item, ended_at }] }, ended_at - 1)).toMatchObject({
      end: ended_at,
      is_cut_short: true,
    });
    expect(billingPeriodAt(timeline, trial_end)).toMatchObject({
      billed_by: 'paid',
      start: trial_end,
      end: at('2026-03-17T12:00:00Z'),
    });
  });

  test('after the end of a subscription the account’s months begin again there', () => {
    const ended_at = at('2026-02-20T00:00:00Z');
    const timeline = { created_at: CREATED, items: [{ ...ITEM, ended_at }] };
    expect(billingPeriodAt(timeline, ended_at - 1)).toMatchObject({ billed_by: 'paid', end: ended_at });
    expect(shown(billingPeriodAt(timeline, ended_at))).toEqual([
      '2026-02-20T00:00:00.000Z',
      '2026-03-05T08:00:00.000Z',
    ]);
  });

  test('two items that bill at once are both named', () => {
    const second = { ...ITEM, stripe_subscription_item: 'si_2', started_at: ITEM.started_at + DAY_MS };
    const timeline = { created_at: CREATED, items: [second, ITEM] };
    expect(billingPeriodAt(timeline, second.started_at).items).toHaveLength(2);
    expect(billingPeriodAt(timeline, second.started_at - 1).items).toEqual([ITEM]);
  });

  test('whatever the subscriptions, periods tile time and contain their instant', () => {
    const instants = fc.integer({ min: 0, max: 400 }).map((hours) => CREATED + hours * 6 * HOUR_MS);
    const items = fc.array(
      fc.record({
        start: instants,
        length: fc.option(fc.integer({ min: 1, max: 200 })),
        trial: fc.integer({ min: 0, max: 60 }),
        lead: fc.integer({ min: 0, max: 8 }),
      }),
      { maxLength: 3 },
    );
    fc.assert(
      fc.property(items, instants, (spans, instant) => {
        const timeline = {
          created_at: CREATED,
          items: spans.map(({ start, length, trial, lead }, index) => {
            const trial_end = trial === 0 ? null : start + trial * 6 * HOUR_MS;
            const anchor = trial_end ?? start;
            const current = {
              current_period_start: start,
              current_period_end: trial_end ?? addMonths(start, 1),
            };
            const ended_at = length === null ? null : start + length * 6 * HOUR_MS;
            const stripe_subscription_item = `si_${(index * 2) % 3}`;
            return {
              ...ITEM,
              ...current,
              stripe_subscription_item,
              anchor,
              started_at: start - lead * 6 * HOUR_MS,
              billed_from: start,
              trial_end,
              ended_at,
            };
          }),
        };
        const period = billingPeriodAt(timeline, instant);
        expect(period.start).toBeLessThanOrEqual(instant);
        expect(period.end).toBeGreaterThan(instant);
        for (const other of [period.start, period.end - 1]) {
          expect(shown(billingPeriodAt(timeline, other))).toEqual(shown(period));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('late usage', () => {
  const timeline = { created_at: CREATED, items: [ITEM] };
  const end = ITEM.current_period_end;

  test('belongs to its own period while the invoice is surely a draft', () => {
    expect(countingPeriodAt(timeline, end - 1, end + LATE_WINDOW_MS - 1).end).toBe(end);
  });

  test('is counted in the current period once the invoice may be final', () => {
    expect(countingPeriodAt(timeline, end - 1, end + LATE_WINDOW_MS).start).toBe(end);
  });

  test.each([
    ['the subscription has ended', { ended_at: ITEM.current_period_end }],
    ['it was cancelled within the period', { ended_at: ITEM.current_period_end - DAY_MS }],
  ])('of a paid period stays in it, however late, when %s and nothing is paid for now', (_, fields) => {
    const ended = { ...timeline, items: [{ ...ITEM, ...fields }] };
    const used_at = fields.ended_at - 1;
    const period = countingPeriodAt(ended, used_at, end + 10 * DAY_MS);
    expect(period).toMatchObject({
      billed_by: 'paid',
      start: ITEM.current_period_start,
      end: fields.ended_at,
    });
    expect(countingPeriodAt(ended, fields.ended_at, end + 10 * DAY_MS).billed_by).toBe('none');
  });

  test('stays in its own period for ever where no invoice is waiting', () => {
    const free = { created_at: CREATED, items: [] };
    expect(countingPeriodAt(free, CREATED, CREATED + 34 * DAY_MS).start).toBe(CREATED);
  });

  test('a timestamp slightly ahead does not cross the period’s end', () => {
    expect(countingPeriodAt(timeline, end + 60_000, end - 60_000).end).toBe(end);
  });
});

describe('an item that a change of ours added to a subscription', () => {
  const requested_at = ITEM.started_at + 10 * DAY_MS;
  const changed_at = requested_at + HOUR_MS;
  const { current_period_end } = ITEM;
  const added = (trial_end: number | null): SubscriptionItem => ({
    ...ITEM,
    started_at: requested_at,
    billed_from: changed_at,
    trial_end,
    current_period_start: changed_at,
  });
  const startAt = (item: SubscriptionItem, instant: number) =>
    billingPeriodAt({ created_at: CREATED, items: [item] }, instant).start;

  test.each([
    ['without a trial', null],
    ['whose trial ended long before', requested_at - DAY_MS],
  ])('has its first period from the request on, %s', (_, trial_end) => {
    for (const instant of [requested_at, changed_at, current_period_end - 1]) {
      expect(startAt(added(trial_end), instant)).toBe(requested_at);
      // Also when Stripe is in the next one.
      const later = {
        current_period_start: current_period_end,
        current_period_end: addMonths(ITEM.anchor, 2),
      };
      expect(startAt({ ...added(trial_end), ...later }, instant)).toBe(requested_at);
    }
  });

  test('has it from the end of a trial that ended since', () => {
    const trial_end = requested_at + HOUR_MS / 2;
    expect(startAt(added(trial_end), requested_at)).toBe(requested_at);
    expect(startAt(added(trial_end), changed_at)).toBe(trial_end);
  });
});

describe('what Stripe and the recurrence say', () => {
  const every = (interval: 'day' | 'week', interval_count: number) => ({
    anchor: ITEM.anchor,
    interval,
    interval_count,
  });

  test('days and weeks are counted from the anchor, not from the calendar', () => {
    const instant = at('2026-03-30T00:00:00Z');
    expect(shown(periodAt(every('day', 1), instant))[0]).toBe('2026-03-29T12:00:00.000Z');
    expect(shown(periodAt(every('day', 30), instant))[0]).toBe('2026-03-12T12:00:00.000Z');
    expect(shown(periodAt(every('week', 1), instant))[0]).toBe('2026-03-24T12:00:00.000Z');
    expect(shown(periodAt(every('week', 3), instant))).toEqual([
      '2026-03-24T12:00:00.000Z',
      '2026-04-14T12:00:00.000Z',
    ]);
  });

  test('Stripe’s own current period counts where it differs from the recurrence, and only there', () => {
    const current_period_start = at('2026-03-01T00:00:00Z');
    const item = { ...ITEM, current_period_start, current_period_end: at('2026-03-20T00:00:00Z') };
    const periodOf = (iso: string) => shown(billingPeriodAt({ created_at: CREATED, items: [item] }, at(iso)));
    const own = ['2026-03-01T00:00:00.000Z', '2026-03-20T00:00:00.000Z'];
    expect(periodOf('2026-03-01T00:00:00Z')).toEqual(own);
    expect(periodOf('2026-03-19T23:59:59.999Z')).toEqual(own);
    expect(periodOf('2026-02-28T23:59:59.999Z')).toEqual([
      '2026-02-10T12:00:00.000Z',
      '2026-03-10T12:00:00.000Z',
    ]);
    expect(periodOf('2026-03-20T00:00:00Z')).toEqual([
      '2026-03-10T12:00:00.000Z',
      '2026-04-10T12:00:00.000Z',
    ]);
  });

  test.each([
    ['2026-04-30T12:00:00Z', '2026-05-31T12:00:00Z'],
    ['2026-05-31T12:00:00Z', '2026-06-30T12:00:00Z'],
  ])('for the 31st, begun on 28 February, are those of a current period from %s to %s', (start, end) => {
    const begun = at('2026-02-28T12:00:00Z');
    const current = { current_period_start: at(start), current_period_end: at(end) };
    const item = { ...ITEM, anchor: begun, started_at: begun, billed_from: begun, ...current };
    const periodOf = (iso: string) => shown(billingPeriodAt({ created_at: CREATED, items: [item] }, at(iso)));
    expect(periodOf('2026-04-29T00:00:00Z')).toEqual([
      '2026-03-31T12:00:00.000Z',
      '2026-04-30T12:00:00.000Z',
    ]);
    expect(periodOf('2026-07-30T00:00:00Z')).toEqual([
      '2026-06-30T12:00:00.000Z',
      '2026-07-31T12:00:00.000Z',
    ]);
    expect(periodOf(start)[1]).toBe(formatInstant(at(end)));
  });

  test('a first period begins with the subscription, or when its trial ends, wherever its anchor is', () => {
    const later = {
      ...ITEM,
      anchor: at('2026-03-01T00:00:00Z'),
      current_period_start: 0,
      current_period_end: 1,
    };
    const periodOf = (item: SubscriptionItem, iso: string) =>
      shown(billingPeriodAt({ created_at: CREATED, items: [item] }, at(iso)));
    expect(periodOf(later, '2026-02-20T00:00:00Z')).toEqual([
      '2026-02-10T12:00:00.000Z',
      '2026-03-01T00:00:00.000Z',
    ]);
    const tried = { ...later, trial_end: at('2026-02-17T00:00:00Z') };
    expect(periodOf(tried, '2026-02-20T00:00:00Z')).toEqual([
      '2026-02-17T00:00:00.000Z',
      '2026-03-01T00:00:00.000Z',
    ]);
    expect(periodOf(tried, '2026-02-12T00:00:00Z')).toEqual([
      '2026-02-10T12:00:00.000Z',
      '2026-02-17T00:00:00.000Z',
    ]);
  });

  test('of two items that begin at once the same one decides, in whatever order Stripe lists them', () => {
    const weekly = { ...ITEM, interval: 'week', current_period_start: 0, current_period_end: 1 } as const;
    const [a, b] = [
      { ...weekly, stripe_subscription_item: 'si_a' },
      { ...ITEM, stripe_subscription_item: 'si_b' },
    ];
    for (const items of [
      [a, b],
      [b, a],
    ]) {
      const period = billingPeriodAt({ created_at: CREATED, items }, ITEM.started_at);
      expect(period.items).toEqual([a, b]);
      expect(shown(period)[1]).toBe('2026-02-17T12:00:00.000Z');
    }
  });

  test('a subscription that ended as it began bills nothing, and its instant is in a period all the same', () => {
    const item = { ...ITEM, ended_at: ITEM.started_at };
    const period = billingPeriodAt({ created_at: CREATED, items: [item] }, ITEM.started_at);
    expect(period).toEqual({
      start: ITEM.started_at,
      end: at('2026-03-05T08:00:00Z'),
      billed_by: 'none',
      items: [],
      is_cut_short: false,
    });
  });

  describe('of a plan that was changed', () => {
    const requested = at('2026-02-20T10:00:00.250Z');
    const changed = at('2026-02-20T10:04:00Z');
    const old = { ...ITEM, ended_at: requested };
    const successor = (billed_from: number): SubscriptionItem => ({
      ...ITEM,
      stripe_subscription_item: 'si_2',
      started_at: requested,
      billed_from,
      current_period_start: billed_from,
    });

    test('change at the request, though Stripe changes later', () => {
      const timeline = { created_at: CREATED, items: [old, successor(changed)] };
      expect(billingPeriodAt(timeline, requested - 1)).toMatchObject({
        start: ITEM.started_at,
        end: requested,
        is_cut_short: true,
      });
      for (const instant of [requested, changed - 1, changed, ITEM.current_period_end - 1]) {
        const period = { start: requested, end: ITEM.current_period_end, is_cut_short: false };
        expect(billingPeriodAt(timeline, instant)).toMatchObject(period);
      }
    });

    test('reach to the end of the period in which Stripe changes, where one ended in between', () => {
      const request = at('2026-03-10T11:59:30Z');
      const items = [
        { ...ITEM, ended_at: request },
        {
          ...successor(at('2026-03-10T12:01:00Z')),
          started_at: request,
          current_period_end: at('2026-04-10T12:00:00Z'),
        },
      ];
      const timeline = { created_at: CREATED, items };
      for (const instant of [request, ITEM.current_period_end, at('2026-03-20T00:00:00Z')]) {
        const period = { start: request, end: at('2026-04-10T12:00:00Z') };
        expect(billingPeriodAt(timeline, instant)).toMatchObject(period);
      }
    });

    test('are invoiced at once: what is recorded for them afterwards is billed next', () => {
      const timeline = { created_at: CREATED, items: [old, successor(changed)] };
      const late = countingPeriodAt(timeline, requested - 1, changed);
      expect(late.start).toBe(requested);
      const ended = { created_at: CREATED, items: [{ ...ITEM, ended_at: ITEM.current_period_end }] };
      const atTheEnd = countingPeriodAt(ended, ITEM.current_period_end - 1, ITEM.current_period_end);
      expect(atTheEnd).toMatchObject({ end: ITEM.current_period_end, is_cut_short: false });
    });
  });
});

test('late usage has half an hour, and Stripe the other half of its hour to count it', () => {
  expect(LATE_WINDOW_MS).toBe(HOUR_MS / 2);
});
