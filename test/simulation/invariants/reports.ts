import type { Gap } from '../scene/expectation.ts';
import { type EventRow, keyOf, type ReportRow, total } from '../scene/ledger.ts';
import { DAY, HOUR, MINUTE } from '../time.ts';
import { type InvariantName, must, mustEqual } from './broken.ts';

/** A wait of this length would be forgotten by everyone. */
const LONGEST_WAIT = 70 * DAY;
/** Stripe takes usage that is 35 days old at most. */
const OLDEST_SLOT = 35 * DAY;
const WAITING: readonly string[] = ['closed', 'sending'];
const DONE: readonly string[] = ['not_billable', 'failed', 'open'];
/** Stripe has a day to count what it has accepted, and the worker some time to read it. */
const LONGEST_UNVERIFIED = DAY + 7 * HOUR;
/** One sum cannot tell reports apart that share a minute: they wait until all of them are surely counted, or not. */
const LONGEST_UNCLEAR = 3 * DAY + 7 * HOUR;

/** What the tables are looked at with. */
export interface ReportsScene {
  readonly now: number;
  readonly gaps: readonly Gap[];
  /**
   * Where slots are: in the report's own period, or, where prices change, in what is left of its billing period. Default:
   * `in_period`.
   */
  readonly stamped?: 'in_period' | 'in_billing_period';
}

/** I2, I3, I4, I10 and I12: the tables by themselves. */
export function checkReports(
  reports: readonly ReportRow[],
  events: readonly EventRow[],
  { now, gaps, stamped = 'in_period' }: ReportsScene,
): void {
  const byReport = Map.groupBy(events, keyOf);
  const byId = new Map(events.map((event) => [event.event_id, event]));
  const counting = reports.filter(({ status }) => status !== 'voided');
  const stampedIn = Map.groupBy(counting, minuteOf);
  for (const report of counting) {
    checkReport(report, byReport.get(keyOf(report)) ?? [], byId, now, stamped);
    const isAlone = (stampedIn.get(minuteOf(report))?.length ?? 0) <= 1;
    checkVerified(report, isAlone ? LONGEST_UNVERIFIED : LONGEST_UNCLEAR, gaps, now);
  }
  const keys = new Set(counting.map(keyOf));
  for (const event of events) {
    const isInOne = event.report_id === null || keys.has(keyOf(event));
    must(isInOne, 'I4', () => `event ${event.event_id} is in no report that counts`);
  }
  checkUnique(reports, ({ identifier }) => identifier, 'I11', 'identifier');
  const open = counting.filter(({ status }) => status === 'open');
  checkUnique(open, openKeyOf, 'I3', 'open report');
  const alone = counting.filter(({ slot, slot_shared }) => slot !== null && !slot_shared);
  checkUnique(alone, minuteOf, 'I12', 'the minute of its own');
  checkOverlaps(counting.filter(({ late }) => !late));
}

function checkReport(
  report: ReportRow,
  own: readonly EventRow[],
  byId: ReadonlyMap<number, EventRow>,
  now: number,
  stamped: ReportsScene['stamped'],
): void {
  const { status, slot, due_at } = report;
  const name = `report ${keyOf(report)} (${status})`;
  mustEqual(total(own), report.quantity, 'I2', `events of ${name}`);
  if (report.last_event_id !== undefined) checkChain(report.last_event_id, own, byId, name);
  const instants = own.map(({ occurred_at }) => occurred_at);
  const first = own.length === 0 ? null : Math.min(...instants);
  const last = own.length === 0 ? null : Math.max(...instants);
  mustEqual(report.first_occurred_at, first, 'I2', `first event of ${name}`);
  mustEqual(report.last_occurred_at, last, 'I2', `last event of ${name}`);
  if (slot !== null) {
    const end = stamped === 'in_period' ? (report.period_end ?? 0) : report.billing_period_end;
    const isInside = slot >= report.period_start && slot < end;
    must(isInside, 'I12', () => `the slot ${slot} of ${name} is outside of its period`);
    const sentAt = report.first_attempt_at ?? now;
    must(slot >= sentAt - OLDEST_SLOT, 'I12', () => `the slot ${slot} of ${name} was too old for Stripe`);
  }
  if (WAITING.includes(status)) {
    must(due_at !== null, 'I15', `${name} is never looked at again`);
    must(due_at < now + LONGEST_WAIT, 'I15', `${name} waits too long`);
  }
  const isVerified = status === 'reported' && report.verified_at !== null;
  if (DONE.includes(status) || isVerified) mustEqual(due_at, null, 'I15', `${name} is done, its due_at`);
}

/** I9, but for the time in which nobody worked or Stripe failed. */
function checkVerified(report: ReportRow, longest: number, gaps: readonly Gap[], now: number): void {
  const { status, reported_at, verified_at } = report;
  if (status !== 'reported' || reported_at === null || verified_at !== null) return;
  const missed = gaps.reduce((sum, { from, to }) => sum + overlap(from, to, reported_at, now), 0);
  const waited = now - reported_at - missed;
  must(waited <= longest, 'I9', () => `report ${keyOf(report)} is neither verified nor held`);
}

function overlap(from: number, to: number, start: number, end: number): number {
  return Math.max(0, Math.min(to, end) - Math.max(from, start));
}

function minuteOf({ stripe_customer, meter, slot }: ReportRow): string {
  return `${stripe_customer}|${meter}|${Math.floor((slot ?? 0) / MINUTE)}`;
}

function openKeyOf(report: ReportRow): string {
  return `${report.account_id}|${report.meter}|${report.billing_period_start}`;
}

function checkUnique(
  reports: readonly ReportRow[],
  of: (report: ReportRow) => string | null,
  invariant: InvariantName,
  what: string,
): void {
  const seen = new Set<string>();
  for (const value of reports.map(of)) {
    if (value === null) continue;
    must(!seen.has(value), invariant, `${what} ${value} is there twice`);
    seen.add(value);
  }
}

/** I4: regular reports of an account and meter follow each other. */
function checkOverlaps(regular: readonly ReportRow[]): void {
  for (const own of Map.groupBy(regular, ({ account_id, meter }) => `${account_id}|${meter}`).values()) {
    const ordered = own.toSorted((a, b) => a.period_start - b.period_start);
    for (const [index, report] of ordered.entries()) {
      const next = ordered[index + 1];
      const end = report.period_end ?? report.billing_period_end;
      must(!next || next.period_start >= end, 'I4', () => `report ${keyOf(report)} overlaps the next one`);
    }
  }
}

/** SQLite: the chain of a report has its events, each once. */
function checkChain(
  last_event_id: number | null,
  own: readonly EventRow[],
  byId: ReadonlyMap<number, EventRow>,
  name: string,
): void {
  const rest = new Set(own.map(({ event_id }) => event_id));
  for (let id = last_event_id; id !== null; id = byId.get(id)?.previous_event_id ?? null) {
    must(rest.delete(id), 'I2', `event ${id} is in the chain of ${name} and not its own`);
  }
  mustEqual(rest.size, 0, 'I2', `events of ${name} that its chain misses`);
}
