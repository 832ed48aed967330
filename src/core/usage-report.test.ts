import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY_MS, MINUTE_MS, SECOND_MS } from './instant.ts';
import {
  chooseSlot,
  identifierOf,
  interpretSlot,
  isLegalTransition,
  isReportStatus,
  isSent,
  MAX_SLOT_AGE_MS,
  minuteOf,
  type ReportStatus,
} from './usage-report.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const digest = (text: string) => createHash('sha256').update(text).digest('hex');

describe('slots', () => {
  const period = { start: NOW - DAY_MS, end: NOW };

  test('the last whole minute of the period, in its middle', () => {
    expect(chooseSlot(period, new Set(), NOW)).toEqual({ at: NOW - MINUTE_MS / 2, shared: false });
    const odd = { start: NOW - DAY_MS, end: NOW + 17 * SECOND_MS };
    expect(chooseSlot(odd, new Set(), NOW)?.at).toBe(NOW - MINUTE_MS / 2);
  });

  test('a minute that is taken is left to its report', () => {
    const taken = new Set([NOW - MINUTE_MS, NOW - 2 * MINUTE_MS]);
    expect(chooseSlot(period, taken, NOW)?.at).toBe(NOW - 2.5 * MINUTE_MS);
  });

  test('a period without a whole free minute shares one, inside the period', () => {
    const short = { start: NOW + 10 * SECOND_MS, end: NOW + 40 * SECOND_MS };
    expect(chooseSlot(short, new Set(), NOW)).toEqual({ at: NOW + 25 * SECOND_MS, shared: true });
    const oneMinute = { start: NOW, end: NOW + MINUTE_MS };
    expect(chooseSlot(oneMinute, new Set([NOW]), NOW)).toEqual({ at: NOW + MINUTE_MS / 2, shared: true });
  });

  test('what was used before Stripe made a change is stamped in the first whole second of the new price', () => {
    const before = { start: NOW, end: NOW + 3 * SECOND_MS };
    const slotFrom = (billed_from: number) => chooseSlot(before, new Set(), NOW, billed_from);
    expect(slotFrom(NOW + 5 * SECOND_MS)).toEqual({ at: NOW + 5 * SECOND_MS, shared: true });
    expect(slotFrom(NOW + 4 * SECOND_MS + 100)).toEqual({ at: NOW + 5 * SECOND_MS, shared: true });
  });

  test('usage that Stripe would refuse for its age gets none', () => {
    const old = { start: NOW - 40 * DAY_MS, end: NOW - MAX_SLOT_AGE_MS - MINUTE_MS };
    expect(chooseSlot(old, new Set(), NOW)).toBeNull();
  });

  test('a slot lies in whole seconds inside its period, is not too old, and is free unless it says so', () => {
    const minutes = fc.integer({ min: 0, max: 300 });
    fc.assert(
      fc.property(minutes, fc.integer({ min: 1, max: 600 }), fc.array(minutes), (start, seconds, busy) => {
        const span = { start: NOW + start * MINUTE_MS, end: NOW + start * MINUTE_MS + seconds * SECOND_MS };
        const taken = new Set(busy.map((minute) => NOW + minute * MINUTE_MS));
        const slot = chooseSlot(span, taken, span.end);
        if (!slot) throw new Error('There is no slot.');
        expect(slot.at % SECOND_MS).toBe(0);
        expect(slot.at).toBeGreaterThanOrEqual(span.start);
        expect(slot.at).toBeLessThan(span.end);
        if (!slot.shared) expect(taken.has(minuteOf(slot.at))).toBe(false);
      }),
    );
  });
});

describe('identifiers', () => {
  const report = { account_id: 'acct_1', meter: 'credits', report_id: 7 };

  test('fit into Stripe’s 100 characters and name account, meter, report and generation', () => {
    const others = [
      identifierOf(report, 1, digest),
      identifierOf(report, 2, digest),
      identifierOf({ ...report, report_id: 8 }, 1, digest),
      identifierOf({ ...report, meter: 'tokens' }, 1, digest),
      identifierOf({ ...report, account_id: 'acct_2' }, 1, digest),
    ];
    expect(new Set(others).size).toBe(others.length);
    for (const identifier of others) expect(identifier).toMatch(/^tb_[0-9a-f]{64}$/);
  });

  test('do not depend on the quantity: a report that is closed again collides', () => {
    const closedAgain = { ...report, quantity: 99 };
    expect(identifierOf(closedAgain, 1, digest)).toBe(identifierOf(report, 1, digest));
  });

  test('an account id cannot imitate another account’s report', () => {
    const a = { account_id: 'x","y', meter: 'z', report_id: 1 };
    const b = { account_id: 'x', meter: 'y","z', report_id: 1 };
    expect(identifierOf(a, 1, digest)).not.toBe(identifierOf(b, 1, digest));
  });
});

describe('what Stripe counted in a minute', () => {
  test('of its own tells whether the report arrived', () => {
    expect(interpretSlot(7, 7, [])).toBe('present');
    expect(interpretSlot(0, 7, [])).toBe('absent');
    expect(interpretSlot(8, 7, [])).toBe('foreign');
  });

  test('that it shares is told apart where the quantities allow it, whichever of the others are counted', () => {
    expect(interpretSlot(12, 7, [5, 3])).toBe('present');
    expect(interpretSlot(8, 7, [5, 3])).toBe('absent');
    expect(interpretSlot(7, 7, [7])).toBe('unclear');
    expect(interpretSlot(14, 7, [7])).toBe('present');
    expect(interpretSlot(6, 7, [5, 3])).toBe('foreign');
    expect(interpretSlot(1, 1, Array(40).fill(1))).toBe('unclear');
    expect(interpretSlot(41, 1, Array(40).fill(1))).toBe('present');
  });
});

test('only legal transitions: nothing that was reported is sent again, moved or forgotten', () => {
  expect(isLegalTransition('open', 'closed')).toBe(true);
  expect(isLegalTransition('closed', 'sending')).toBe(true);
  expect(isLegalTransition('sending', 'reported')).toBe(true);
  for (const to of ['open', 'closed', 'sending', 'failed', 'held', 'voided', 'not_billable'] as const) {
    // What Stripe accepted and did not count.
    expect(isLegalTransition('reported', to)).toBe(to === 'held' || to === 'failed');
    if (to !== 'voided') expect(isLegalTransition('voided', to)).toBe(false);
  }
  expect(isLegalTransition('sending', 'voided')).toBe(false);
  expect(isLegalTransition('open', 'sending')).toBe(false);
  expect(isLegalTransition('not_billable', 'sending')).toBe(false);
});

test('every transition is in the table, and staying is none', () => {
  const legal: Readonly<Record<ReportStatus, readonly ReportStatus[]>> = {
    open: ['closed', 'voided'],
    closed: ['sending', 'not_billable', 'held', 'voided'],
    sending: ['reported', 'failed', 'held'],
    reported: ['held', 'failed'],
    failed: ['closed', 'not_billable'],
    held: ['closed', 'reported', 'failed', 'not_billable'],
    voided: [],
    not_billable: ['voided'],
  };
  const statuses = Object.keys(legal) as ReportStatus[];
  for (const from of statuses) {
    const to = statuses.filter((status) => status !== from && isLegalTransition(from, status));
    expect(to.toSorted(), from).toEqual(legal[from].toSorted());
    expect(isLegalTransition(from, from)).toBe(true);
  }
});

describe('at the limits of a slot', () => {
  test('the first whole minute of a period is as good as any', () => {
    const minutes = { start: NOW, end: NOW + 3 * MINUTE_MS };
    const taken = new Set([NOW + MINUTE_MS, NOW + 2 * MINUTE_MS]);
    expect(chooseSlot(minutes, taken, NOW)).toEqual({ at: NOW + MINUTE_MS / 2, shared: false });
    const begun = { start: NOW + SECOND_MS, end: NOW + 3 * MINUTE_MS };
    expect(chooseSlot(begun, taken, NOW)?.shared).toBe(true);
  });

  test('34 days are not too old, and a second more is', () => {
    const oldest = NOW - MAX_SLOT_AGE_MS;
    const around = (middle: number) => ({ start: middle - 10 * SECOND_MS, end: middle + 10 * SECOND_MS });
    expect(chooseSlot(around(oldest), new Set(), NOW)).toEqual({ at: oldest, shared: true });
    expect(chooseSlot(around(oldest - SECOND_MS), new Set(), NOW)).toBeNull();
    const minute = { start: oldest, end: oldest + MINUTE_MS };
    expect(chooseSlot(minute, new Set(), NOW)).toEqual({ at: oldest + MINUTE_MS / 2, shared: false });
  });
});

test('twelve reports in one minute are told apart, and of more only the full sum', () => {
  const powers = Array.from({ length: 12 }, (_, index) => 2 ** (index + 1));
  const all = powers.reduce((sum, power) => sum + power, 0);
  expect(interpretSlot(all + 1, 1, powers)).toBe('present');
  expect(interpretSlot(1 + 2 + 8, 1, powers)).toBe('present');
  expect(interpretSlot(2 + 8, 1, powers)).toBe('absent');
  const more = [...powers, 2 ** 13];
  expect(interpretSlot(2 + 8, 1, more)).toBe('unclear');
  expect(interpretSlot(all + 2 ** 13 + 1, 1, more)).toBe('present');
});

test('only Stripe can tell what became of a report that it was asked to count', () => {
  const statuses = [
    'open',
    'closed',
    'failed',
    'voided',
    'not_billable',
    'held',
    'sending',
    'reported',
  ] as const;
  const sent = (reason: 'not_counted' | 'foreign_writer' | 'rejected' | 'too_old' | null) =>
    statuses.filter((status) => isSent({ status, reason }));
  expect(sent(null)).toEqual(['sending', 'reported']);
  expect(sent('too_old')).toEqual(['sending', 'reported']);
  expect(sent('not_counted')).toEqual(['held', 'sending', 'reported']);
  expect(sent('foreign_writer')).toEqual(['held', 'sending', 'reported']);
  expect(sent('rejected')).toEqual(['held', 'sending', 'reported']);
});

test('a report and its correction that share a minute come to nothing, counted or not', () => {
  expect(interpretSlot(0, 5, [-5])).toBe('unclear');
  expect(interpretSlot(0, -5, [5])).toBe('unclear');
  expect(interpretSlot(5, 5, [-5])).toBe('present');
  // All of them come to 5, and so does another one alone.
  expect(interpretSlot(5, 5, [5, 3, -8, 5, -5])).toBe('unclear');
  expect(interpretSlot(-5, 5, [-5])).toBe('absent');
  expect(interpretSlot(-5, -5, [])).toBe('present');
  expect(interpretSlot(0, -5, [])).toBe('absent');
  expect(interpretSlot(0, 5, [...Array(6).fill(-5), ...Array(7).fill(5)])).toBe('unclear');
});

test('a status is one of the eight, whatever else an object may have', () => {
  expect(['open', 'closed', 'held', 'voided'].map(isReportStatus)).toEqual([true, true, true, true]);
  expect(['Open', 'toString', '__proto__', ''].map(isReportStatus)).toEqual([false, false, false, false]);
});
