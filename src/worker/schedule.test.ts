import { describe, expect, test } from 'vitest';
import { changesBetween, instantOf, offsetAt, wallClock, ZONES } from '../../test/support/time-zones.ts';
import { parseSchedule } from './schedule.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);
const END = Date.UTC(2036, 0, 1);
/** Around the hours at which the clocks of the zones are changed. */
const TIMES = [
  '00:00',
  '00:30',
  '01:30',
  '01:45',
  '02:00',
  '02:15',
  '02:30',
  '02:45',
  '03:00',
  '03:15',
  '23:59',
];

const daily = (time: string, time_zone: string) => {
  const [hour, minute] = time.split(':').map(Number);
  return parseSchedule({ cron: `${minute} ${hour} * * *`, time_zone }, 'worker_schedule.usage');
};

/** The days, on the zone's calendar, around an instant. */
function daysAround(zone: string, instant: number): string[] {
  return [-2, -1, 0, 1, 2].map((days) => wallClock(zone, instant + days * DAY).slice(0, 10));
}

describe.each(ZONES)('in %s', (zone) => {
  const changes = changesBetween(zone, START, END);
  const looked = changes.length > 0 ? changes : [Date.UTC(2028, 1, 29), Date.UTC(2031, 11, 31, 12)];

  test('clocks change twice a year, or never', () => {
    expect([0, 20]).toContain(changes.length);
  });

  test('a daily time comes once a day: the first time where it comes twice, when the leap ends where it is left out', () => {
    const faults: string[] = [];
    for (const time of TIMES) {
      const schedule = daily(time, zone);
      for (const change of looked) {
        const expected = daysAround(zone, change).map((day) => instantOf(zone, `${day} ${time}:00`));
        let last = (expected[0] ?? 0) - 1;
        for (const instant of expected) {
          last = schedule.nextAfter(last);
          if (last !== instant)
            faults.push(`${time} around ${wallClock(zone, change)}: ${wallClock(zone, last)}`);
        }
      }
    }
    expect(faults.slice(0, 5)).toEqual([]);
  });

  test('every half hour is half an hour of real time, also when the clocks change', () => {
    const schedule = parseSchedule({ cron: '*/30 * * * *', time_zone: zone }, 'worker_schedule.usage');
    for (const change of looked) {
      let last = schedule.nextAfter(change - 6 * 1_800_000);
      for (let run = 1; run <= 12; run += 1) {
        const next = schedule.nextAfter(last);
        expect(next - last, `after ${wallClock(zone, last)}`).toBe(1_800_000);
        last = next;
      }
    }
  });
});

test('a change of clocks in between keeps a monthly time at its hour on the wall', () => {
  const schedule = parseSchedule({ cron: '0 22 1 * *', time_zone: 'Europe/Berlin' }, 'worker_schedule.usage');
  let last = START;
  for (let month = 0; month < 120; month += 1) {
    last = schedule.nextAfter(last);
    expect(wallClock('Europe/Berlin', last).slice(8)).toBe('01 22:00:00');
  }
  expect(offsetAt('Europe/Berlin', Date.UTC(2026, 6, 1))).toBe(2 * 3_600_000);
});
