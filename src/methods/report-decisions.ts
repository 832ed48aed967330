import { parseAccountId } from '../core/account.ts';
import { parseActor, parseReason } from '../core/adjustment.ts';
import type { BillingProvider } from '../core/billing-provider.ts';
import type { Environment } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import { type Meters, parseMeter } from '../core/meter.ts';
import type { DecisionAction } from '../core/report-listing.ts';
import type { ReportChanges, Store } from '../core/store.ts';
import { parseFields } from '../core/usage-event.ts';
import { isSent, type ReportReason, type UsageReport } from '../core/usage-report.ts';
import { missingReport } from '../query/billed-account.ts';
import { SlotReader } from '../worker/slot-reader.ts';
import { readSurplus } from '../worker/total-check.ts';

/** Names a report, and who decides about it and why. */
export interface RetryReportParams<Meter extends string = string> {
  readonly account: string;
  /** Default: the only meter, or `default_meter`. */
  readonly meter?: Meter | undefined;
  /** The report's number, as `usage.reports.list()` and `usage.get()` show it. */
  readonly report: number;
  /** Why: 1 to 500 characters. Kept for good. */
  readonly reason: string;
  /** Who: 1 to 255 characters. Default: `'unknown'`. */
  readonly actor?: string | undefined;
}

export interface ResolveReportParams<Meter extends string = string> extends RetryReportParams<Meter> {
  /**
   * `counted`: Stripe has it, whatever its count says. `written_off`: it is never sent, or sent again. `send`: it is sent
   * under a new identifier; only where Stripe counted nothing in its minute, and also where Stripe
   * has counted more in its billing period than this database knows of.
   */
  readonly as: ReportResolution;
}

export type ReportResolution = Exclude<DecisionAction, 'retry'>;

export interface DecisionResult {
  readonly account: string;
  readonly meter: string;
  readonly report: number;
  /** What the report is now. */
  readonly status: UsageReport['status'];
}

export interface DecisionContext {
  readonly store: Store;
  /** null = Stripe is not configured. */
  readonly provider: BillingProvider | null;
  readonly environment: Environment;
  readonly meters: Meters;
}

interface Decision {
  readonly action: DecisionAction;
  readonly changes: ReportChanges;
  /** What Stripe counted beyond this database, and is vouched for. */
  readonly acknowledged: number;
}

const RETRY_FIELDS = new Set(['account', 'meter', 'report', 'reason', 'actor']);
const RESOLVE_FIELDS = new Set([...RETRY_FIELDS, 'as']);
const RESOLUTIONS = new Set<unknown>(['counted', 'written_off', 'send'] satisfies ReportResolution[]);

/** What a person can do about reports that are held or have failed. */
export function createDecisions(context: DecisionContext) {
  async function retry(params: unknown): Promise<DecisionResult> {
    return await decide(parseFields(params, RETRY_FIELDS), (report) => retrying(context, report));
  }

  async function resolve(params: unknown): Promise<DecisionResult> {
    const fields = parseFields(params, RESOLVE_FIELDS);
    const resolution = fields['as'];
    if (!RESOLUTIONS.has(resolution)) {
      const reason = 'It must be counted, written_off or send.';
      throw new UsageError('invalid_parameter', { field: 'as', value: resolution, reason });
    }
    return await decide(fields, (report) => resolving(context, report, resolution as ReportResolution));
  }

  async function decide(
    fields: Readonly<Record<string, unknown>>,
    choose: (report: UsageReport) => Promise<Decision>,
  ): Promise<DecisionResult> {
    const reason = parseReason(fields['reason']);
    const actor = parseActor(fields['actor']) ?? 'unknown';
    const report = await findReport(context, fields);
    const { account_id, meter, report_id, status, attempts } = report;
    const { action, changes, acknowledged } = await choose(report);
    const key = { account_id, meter, report_id };
    const at = context.environment.clock.now();
    const isDone = await context.store.decideReport({
      report: key,
      from: status,
      attempts,
      changes,
      action,
      actor,
      reason,
      at,
      acknowledged,
    });
    if (!isDone) throw notDecidable(report, 'It has just changed; look at it again.');
    return { account: account_id, meter, report: report_id, status: changes.status ?? status };
  }

  return { retry, resolve };
}

/** A report that failed had no effect: it is sent under a new identifier. One that is held is looked at again. */
async function retrying({ environment }: DecisionContext, report: UsageReport): Promise<Decision> {
  const due_at = environment.clock.now();
  const { status } = report;
  if (status === 'failed') {
    return { action: 'retry', changes: { ...newGeneration(report), due_at }, acknowledged: 0 };
  }
  if (status === 'held') return { action: 'retry', changes: { due_at }, acknowledged: 0 };
  throw notDecidable(report, 'Only a report that is held or has failed is retried.');
}

async function resolving(
  context: DecisionContext,
  report: UsageReport,
  resolution: ReportResolution,
): Promise<Decision> {
  if (report.status !== 'held' && report.status !== 'failed') {
    throw notDecidable(report, 'Only a report that is held or has failed is resolved.');
  }
  if (resolution === 'counted') return counted(context, report);
  const acknowledged = report.reason === 'unknown_usage' ? await surplusOf(context, report) : 0;
  if (resolution === 'send') return await sending(context, report, acknowledged);
  const changes: ReportChanges = {
    status: 'not_billable',
    reason: 'written_off',
    due_at: null,
    pending_since: null,
  };
  return { action: 'written_off', changes, acknowledged };
}

function counted({ environment }: DecisionContext, report: UsageReport): Decision {
  if (!isSent(report))
    throw notDecidable(report, 'It had no effect at Stripe, which cannot have counted it.');
  const now = environment.clock.now();
  const changes: ReportChanges = {
    status: 'reported',
    reason: null,
    reported_at: report.reported_at ?? now,
    verified_at: now,
    pending_since: null,
    due_at: null,
    last_error: null,
  };
  return { action: 'counted', changes, acknowledged: 0 };
}

/** Why sending is refused, whoever decides: it would be held again for the same reason. */
const NOT_TO_BE_SENT: Readonly<Partial<Record<ReportReason, string>>> = {
  ambiguous_price: 'Several prices would bill it: end all but one, and it goes on by itself.',
  customer_refused: 'Stripe refuses its customer: set another one, and it goes on by itself.',
  too_old: 'Stripe no longer takes usage of its age: invoice it by hand, and write it off.',
  missed_invoice: 'No invoice would bill it: invoice it by hand, and write it off.',
};

/** A new identifier needs proof that the last one has no effect: an empty minute (I7). */
async function sending(
  context: DecisionContext,
  report: UsageReport,
  acknowledged: number,
): Promise<Decision> {
  const obstacle = report.reason === null ? undefined : NOT_TO_BE_SENT[report.reason];
  if (obstacle !== undefined) throw notDecidable(report, obstacle);
  if (isSent(report)) {
    const { store, provider } = context;
    if (!provider) throw new UsageError('stripe_unavailable');
    const reading = await new SlotReader(store, provider).read(report);
    if (typeof reading === 'object') throw new UsageError('stripe_unavailable', { reason: reading.message });
    if (reading !== 'absent')
      throw notDecidable(
        report,
        'Stripe has counted something in its minute: sent again, it would be billed twice.',
      );
  }
  const due_at = context.environment.clock.now();
  // Also one that was never sent: the database that knew what Stripe counted may have used its identifier.
  const changes = { ...newGeneration(report), due_at };
  return { action: 'send', changes, acknowledged };
}

/** The same report under another identifier: where, and to whom, it is sent is decided anew. */
function newGeneration({ generation }: UsageReport): ReportChanges {
  return {
    status: 'closed',
    reason: null,
    generation: generation + 1,
    stripe_customer: null,
    identifier: null,
    slot: null,
    slot_shared: false,
    first_attempt_at: null,
    reported_at: null,
    pending_since: null,
    last_error: null,
  };
}

async function surplusOf(context: DecisionContext, report: UsageReport): Promise<number> {
  const { store, provider } = context;
  const account = await store.getAccount({ account_id: report.account_id });
  const stripe_customer = account?.account.stripe_customer ?? null;
  if (!provider || stripe_customer === null) throw new UsageError('stripe_unavailable');
  const surplus = await readSurplus(context, provider, report, stripe_customer);
  if (typeof surplus === 'object') throw new UsageError('stripe_unavailable', { reason: surplus.message });
  return surplus;
}

async function findReport(
  { store, meters }: DecisionContext,
  fields: Readonly<Record<string, unknown>>,
): Promise<UsageReport> {
  const account_id = parseAccountId(fields['account']);
  const meter = parseMeter(fields['meter'], meters);
  const { report: report_id } = fields;
  if (typeof report_id !== 'number' || !Number.isSafeInteger(report_id) || report_id < 1) {
    const reason = 'It must be the number of a report.';
    throw new UsageError('invalid_parameter', { field: 'report', value: report_id, reason });
  }
  const key = { account_id, meter, report_id };
  const report = await store.getReport(key);
  if (!report) throw await missingReport(store, key);
  return report;
}

function notDecidable({ report_id, status }: UsageReport, reason: string): UsageError {
  return new UsageError('report_not_decidable', {
    field: 'report',
    value: report_id,
    reason: `It is ${status}. ${reason}`,
  });
}
