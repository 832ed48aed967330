import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { UsageError } from './errors.ts';
import { DAY_MS, HOUR_MS } from './instant.ts';
import { MAX_WINDOWS, parseWindow, type WindowName, windowBoundaries } from './usage-window.ts';

const at = (text: string) => Date.parse(text);
const iso = (instant: number) => new Date(instant).toISOString().replace('.000Z', 'Z');
const boundaries = (start: string, end: string, window: WindowName, zone: string) =>
  windowBoundaries({ start: at(start), end: at(end) }, window, zone).map(iso);

describe('days', () => {
  test('begin at the zone’s midnight, and are 23 or 25 hours long where its clock changes', () => {
    expect(boundaries('2026-03-28T12:00Z', '2026-03-30T12:00Z', 'day', 'Europe/Berlin')).toEqual([
      '2026-03-27T23:00:00Z',
      '2026-03-28T23:00:00Z',
      '2026-03-29T22:00:00Z',
      '2026-03-30T22:00:00Z',
    ]);
    expect(boundaries('2026-10-24T12:00Z', '2026-10-26T12:00Z', 'day', 'Europe/Berlin')).toEqual([
      '2026-10-23T22:00:00Z',
      '2026-10-24T22:00:00Z',
      '2026-10-25T23:00:00Z',
      '2026-10-26T23:00:00Z',
    ]);
  });

  test('begin with their first instant where midnight does not exist', () => {
    // São Paulo put its clocks forward at midnight of 4 November 2018: the day began at one o’clock.
    expect(boundaries('2018-11-03T12:00Z', '2018-11-05T02:00Z', 'day', 'America/Sao_Paulo')).toEqual([
      '2018-11-03T03:00:00Z',
      '2018-11-04T03:00:00Z',
      '2018-11-05T02:00:00Z',
    ]);
  });

  test('begin with the first of two midnights', () => {
    // Havana puts its clocks back at one o’clock of 1 November 2026 to midnight.
    expect(boundaries('2026-10-31T12:00Z', '2026-11-02T05:00Z', 'day', 'America/Havana')).toEqual([
      '2026-10-31T04:00:00Z',
      '2026-11-01T04:00:00Z',
      '2026-11-02T05:00:00Z',
    ]);
  });

  test('begin with the first midnight also where a minute later the clock goes back to the day before', () => {
    // St. John’s put its clocks back by an hour at 00:01 of 7 November 2010.
    expect(boundaries('2010-11-06T12:00Z', '2010-11-08T03:00Z', 'day', 'America/St_Johns')).toEqual([
      '2010-11-06T02:30:00Z',
      '2010-11-07T02:30:00Z',
      '2010-11-08T03:30:00Z',
    ]);
  });

  test('begin within the hour that a clock jumps over, where it jumps over midnight then', () => {
    // Toronto put its clocks forward at half past eleven of 30 March 1919.
    expect(boundaries('1919-03-30T12:00Z', '1919-04-01T04:00Z', 'day', 'America/Toronto')).toEqual([
      '1919-03-30T05:00:00Z',
      '1919-03-31T04:30:00Z',
      '1919-04-01T04:00:00Z',
    ]);
  });

  test('begin to the second, and as far from UTC as zones are', () => {
    // Until 1972 Monrovia was 44 minutes and 30 seconds behind UTC.
    expect(boundaries('1971-06-01T12:00Z', '1971-06-02T00:00Z', 'day', 'Africa/Monrovia')).toEqual([
      '1971-06-01T00:44:30Z',
      '1971-06-02T00:44:30Z',
    ]);
    expect(boundaries('2026-01-10T13:00Z', '2026-01-11T13:00Z', 'day', 'Etc/GMT+12')).toEqual([
      '2026-01-10T12:00:00Z',
      '2026-01-11T12:00:00Z',
      '2026-01-12T12:00:00Z',
    ]);
  });

  test('that a zone has left out are no windows', () => {
    // Apia went from 29 to 31 December 2011.
    expect(boundaries('2011-12-29T12:00Z', '2011-12-31T12:00Z', 'day', 'Pacific/Apia')).toEqual([
      '2011-12-29T10:00:00Z',
      '2011-12-30T10:00:00Z',
      '2011-12-31T10:00:00Z',
      '2012-01-01T10:00:00Z',
    ]);
  });
});

describe('hours', () => {
  test('are whole hours on the zone’s clock', () => {
    expect(boundaries('2026-01-10T12:00Z', '2026-01-10T13:00Z', 'hour', 'Asia/Kathmandu')).toEqual([
      '2026-01-10T11:15:00Z',
      '2026-01-10T12:15:00Z',
      '2026-01-10T13:15:00Z',
    ]);
  });

  test('go on where a clock is put back, so that no hour is counted twice', () => {
    const october = boundaries('2026-10-25T00:00Z', '2026-10-25T03:00Z', 'hour', 'Europe/Berlin');
    expect(october).toEqual([0, 1, 2, 3].map((hour) => `2026-10-25T0${hour}:00:00Z`));
  });

  test('end early where a clock moves by half an hour, wherever a range begins', () => {
    // Lord Howe Island puts its clocks forward by 30 minutes at 2 o’clock of 4 October 2026.
    const whole = boundaries('2026-10-03T14:30Z', '2026-10-03T17:00Z', 'hour', 'Australia/Lord_Howe');
    expect(whole).toEqual([
      '2026-10-03T14:30:00Z',
      '2026-10-03T15:30:00Z',
      '2026-10-03T16:00:00Z',
      '2026-10-03T17:00:00Z',
    ]);
    expect(boundaries('2026-10-03T15:40Z', '2026-10-03T15:50Z', 'hour', 'Australia/Lord_Howe')).toEqual([
      '2026-10-03T15:30:00Z',
      '2026-10-03T16:00:00Z',
    ]);
  });
});

test('an hour in which a clock moves is the same one, wherever in it a range begins', () => {
  // Caracas put its clocks forward from 2:30 to 3:00 on 1 May 2016.
  for (const start of ['2016-05-01T06:40Z', '2016-05-01T07:10Z']) {
    expect(boundaries(start, '2016-05-01T08:00Z', 'hour', 'America/Caracas')).toEqual([
      '2016-05-01T06:30:00Z',
      '2016-05-01T07:30:00Z',
      '2016-05-01T08:00:00Z',
    ]);
  }
});

test('windows are hours, days and months', () => {
  expect(['hour', 'day', 'month'].map(parseWindow)).toEqual(['hour', 'day', 'month']);
});

test('months begin on the first at the zone’s midnight', () => {
  expect(boundaries('2026-01-31T23:30Z', '2026-04-01T00:00Z', 'month', 'Europe/Berlin')).toEqual([
    '2026-01-31T23:00:00Z',
    '2026-02-28T23:00:00Z',
    '2026-03-31T22:00:00Z',
    '2026-04-30T22:00:00Z',
  ]);
  expect(boundaries('2026-12-05T00:00Z', '2027-01-01T00:00Z', 'month', 'UTC')).toEqual([
    '2026-12-01T00:00:00Z',
    '2027-01-01T00:00:00Z',
  ]);
});

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Asia/Beirut',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'Africa/Casablanca',
];

test('windows tile the range, and a day holds exactly the instants that the zone’s calendar shows as that day', () => {
  const dates = new Map(
    ZONES.map((zone) => [zone, new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short' })]),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...ZONES),
      fc.integer({ min: at('2015-01-01'), max: at('2035-01-01') }),
      fc.integer({ min: 1, max: 40 * DAY_MS }),
      (zone, start, length) => {
        const found = windowBoundaries({ start, end: start + length }, 'day', zone);
        const [first = 0] = found;
        expect(first).toBeLessThanOrEqual(start);
        expect(found.at(-1)).toBeGreaterThanOrEqual(start + length);
        const dateOf = (instant: number) => dates.get(zone)?.format(instant);
        for (const [index, boundary] of found.slice(0, -1).entries()) {
          const end = found[index + 1] ?? 0;
          expect(end).toBeGreaterThan(boundary);
          expect(dateOf(end - 1)).toBe(dateOf(boundary));
          expect(dateOf(end)).not.toBe(dateOf(boundary));
        }
      },
    ),
    { numRuns: 60 },
  );
});

describe('refused', () => {
  const codeOf = (run: () => unknown) => {
    try {
      return run();
    } catch (error) {
      return [(error as UsageError).code, (error as UsageError).field];
    }
  };

  test.each(['Mars/X', '', '../etc/passwd', 'Europe/Berlin\u0000'])('%j as a time zone', (zone) => {
    const range = { start: 0, end: HOUR_MS };
    expect(codeOf(() => windowBoundaries(range, 'day', zone))).toEqual(['invalid_window', 'time_zone']);
  });

  test('in sentences that say what was wrong', () => {
    const range = { start: 0, end: (MAX_WINDOWS + 1) * HOUR_MS };
    expect(() => windowBoundaries(range, 'hour', 'UTC')).toThrow('The range has more than 1000 windows.');
    expect(() => windowBoundaries(range, 'day', 'Mars/X')).toThrow(
      'It is not a time zone that is known here.',
    );
  });

  test.each(['week', '', null, 1, 'constructor'])('%j as a window', (window) => {
    expect(codeOf(() => parseWindow(window))).toEqual(['invalid_window', 'window']);
  });

  test('more than a thousand windows, and not one less', () => {
    const range = (hours: number) => ({ start: at('2026-01-01'), end: at('2026-01-01') + hours * HOUR_MS });
    expect(windowBoundaries(range(MAX_WINDOWS), 'hour', 'UTC')).toHaveLength(MAX_WINDOWS + 1);
    expect(codeOf(() => windowBoundaries(range(MAX_WINDOWS + 1), 'hour', 'UTC'))).toEqual([
      'invalid_window',
      'window',
    ]);
  });
});
