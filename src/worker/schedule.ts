import { Cron } from 'croner';
import type { Instant } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';

/** When reports are sent: a cron pattern, in UTC unless a zone is given. */
export type ScheduleInput =
  | string
  | {
      /** Five fields (minute, hour, day of month, month, day of week), or six with seconds first. */
      readonly cron: string;
      /** IANA name such as `'Europe/Berlin'`. Default: UTC. */
      readonly time_zone?: string | undefined;
    };

export interface Schedule {
  /** The first time after the instant. */
  nextAfter(instant: Instant): Instant;
}

/** @throws UsageError `invalid_configuration`. */
export function parseSchedule(input: ScheduleInput, field: string): Schedule {
  const { cron, time_zone = 'UTC' } = typeof input === 'string' ? { cron: input } : input;
  const pattern = parseCron(cron, time_zone, field);
  // Asked for over and over, mostly of the same instant: the last run.
  let known: { readonly instant: Instant; readonly next: Instant } | null = null;
  return {
    nextAfter: (instant) => {
      if (known?.instant === instant) return known.next;
      const next = pattern.nextRun(new Date(instant));
      if (!next) throw neverRuns(cron, field);
      known = { instant, next: next.getTime() };
      return known.next;
    },
  };
}

function parseCron(cron: string, timezone: string, field: string): Cron {
  try {
    const pattern = new Cron(cron, { timezone, paused: true });
    if (pattern.nextRun(new Date(0))) return pattern;
  } catch (cause) {
    const reason = `The schedule ${JSON.stringify(cron)} in the zone ${JSON.stringify(timezone)} cannot be read.`;
    throw new UsageError('invalid_configuration', { field, reason, cause });
  }
  throw neverRuns(cron, field);
}

function neverRuns(cron: string, field: string): UsageError {
  return new UsageError('invalid_configuration', {
    field,
    value: cron,
    reason: 'The schedule never comes up.',
  });
}
