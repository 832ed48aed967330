import { originOf } from '../core/adjustment.ts';
import type { Period } from '../core/billing-period.ts';
import { UsageError } from '../core/errors.ts';
import { formatInstant, MINUTE_MS } from '../core/instant.ts';
import type { EventPosition, ListEventsResult, UsageEvent } from '../core/report-listing.ts';
import { acceptedQuantity } from '../core/stripe-count.ts';
import { minuteOf, type ReportKey, type UsageReport } from '../core/usage-report.ts';
import { missingReport } from './billed-account.ts';
import type { EntriesPage, ExplainedMinute, LedgerEntry, ReportExplanation } from './explanation-result.ts';
import type { ReconcileContext } from './reconcile-period.ts';
import { toListed } from './report-list.ts';
import { instantOrNull } from './usage-result.ts';

export interface ExplainReportParams extends ReportKey {
  /** Entries after this one; null = from the first. */
  readonly after: EventPosition | null;
  /** Entries. */
  readonly limit: number;
}

const SHOWN_DECISIONS = 100;

/**
 * A report, its entries, what was decided of it and Stripe's count of its minute.
 *
 * @throws UsageError `account_not_found`, `report_not_found`.
 */
export async function explainReport(
  context: ReconcileContext,
  { after, limit, ...key }: ExplainReportParams,
): Promise<ReportExplanation> {
  const found = await context.store.readAtOnce(async (reader) => {
    const report = await reader.getReport(key);
    if (!report) return null;
    return {
      report,
      events: await reader.listEvents({ report, after, limit }),
      decisions: await reader.listDecisions({ report, limit: SHOWN_DECISIONS }),
    };
  });
  if (!found) throw await missingReport(context.store, key);
  const { report, events, decisions } = found;
  const minute = await readMinute(context, report);
  const entries = events.is_archived ? null : toEntries(report, events, limit);
  const verdicts = [
    entriesVerdict(report, entries),
    minute === null ? null : minuteVerdict(report, minute),
  ].filter((verdict) => verdict !== null);
  const known = verdicts.map(({ adds_up }) => adds_up).filter((adds_up) => adds_up !== null);
  const listed = toListed(report);
  return {
    account: report.account_id,
    meter: report.meter,
    report: {
      ...listed,
      stripe_customer: report.stripe_customer,
      identifier: report.identifier,
      slot: instantOrNull(report.slot),
      generation: report.generation,
      attempts: report.attempts,
      first_attempt_at: instantOrNull(report.first_attempt_at),
    },
    minute,
    decisions: decisions.map((decision) => ({ ...decision, at: formatInstant(decision.at) })),
    entries,
    adds_up: known.length === 0 ? null : known.every(Boolean),
    explanation: [...verdicts.map(({ text }) => text), listed.action].join(' '),
  };
}

/** @throws UsageError `invalid_parameter`. */
export function parseEventCursor(value: unknown): EventPosition {
  const match = typeof value === 'string' ? /^(\d{1,15})-(\d{1,15})$/.exec(value) : null;
  if (match) return { recorded_at: Number(match[1]), event_id: Number(match[2]) };
  const reason = 'It is the `next` of the page before.';
  throw new UsageError('invalid_parameter', { field: 'after', value, reason });
}

function toEntries(report: UsageReport, { events, total }: ListEventsResult, limit: number): EntriesPage {
  const last = events.length === limit ? events.at(-1) : undefined;
  return {
    total,
    page: events.map((event) => toEntry(report, event)),
    next: last ? `${last.recorded_at}-${last.event_id}` : null,
  };
}

function toEntry(report: UsageReport, event: UsageEvent): LedgerEntry {
  const { billing_period_start, billing_period_end } = report;
  return {
    event_id: event.event_id,
    quantity: event.quantity,
    occurred_at: formatInstant(event.occurred_at),
    recorded_at: formatInstant(event.recorded_at),
    late: event.occurred_at < billing_period_start || event.recorded_at >= billing_period_end,
    idempotency_key: event.idempotency_key,
    ...toOrigin(event.properties),
  };
}

function toOrigin(
  properties: string | null,
): Pick<LedgerEntry, 'properties' | 'adjustment' | 'carried_forward'> {
  const nothing = { properties: null, adjustment: null, carried_forward: null };
  const origin = originOf(properties);
  switch (origin.kind) {
    case 'adjustment':
      return { ...nothing, adjustment: { reason: origin.reason, actor: origin.actor } };
    case 'carried_forward':
      return {
        ...nothing,
        carried_forward: { from_report: origin.from_report, to_report: origin.to_report },
      };
    case 'increment':
      return { ...nothing, properties: origin.properties === null ? null : JSON.parse(origin.properties) };
  }
}

/** What Stripe counted in the report's minute, if it has one. */
async function readMinute(
  { store, provider }: ReconcileContext,
  { slot, stripe_customer, meter }: UsageReport,
): Promise<ExplainedMinute | null> {
  if (slot === null || stripe_customer === null) return null;
  const range: Period = { start: minuteOf(slot), end: minuteOf(slot) + MINUTE_MS };
  const reported = acceptedQuantity(await store.listSlots({ stripe_customer, meter, range }));
  const known = { minute_start: formatInstant(range.start), reported };
  if (provider === null) return { ...known, counted_by_stripe: null, error: 'Stripe is not configured.' };
  const read = await provider.readCounted({ meter, stripe_customer, ...range });
  return read.outcome === 'read'
    ? { ...known, counted_by_stripe: read.quantity, error: null }
    : { ...known, counted_by_stripe: null, error: read.message };
}

interface Verdict {
  /** null = cannot be told. */
  readonly adds_up: boolean | null;
  readonly text: string;
}

function entriesVerdict({ quantity }: UsageReport, entries: EntriesPage | null): Verdict {
  if (entries === null) return { adds_up: null, text: 'Its entries have been taken out of the ledger.' };
  const { events, quantity: sum } = entries.total;
  if (sum === quantity) {
    return { adds_up: true, text: `${plural(events, 'entry', 'entries')} add up to ${quantity}.` };
  }
  const text = `The report says ${quantity}, and ${plural(events, 'entry', 'entries')} add up to ${sum}.`;
  return { adds_up: false, text };
}

function minuteVerdict(
  report: UsageReport,
  { counted_by_stripe, reported, error }: ExplainedMinute,
): Verdict {
  if (counted_by_stripe === null) return { adds_up: null, text: `Stripe could not be read: ${error}` };
  const counted = `Stripe counted ${counted_by_stripe} in its minute`;
  if (counted_by_stripe === reported) {
    const text = report.reported ? `${counted}, as it should.` : `${counted}, without this report.`;
    return { adds_up: true, text };
  }
  return { adds_up: false, text: `${counted}, where ${reported} was accepted from here.` };
}

function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
