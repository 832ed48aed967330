import type { Instant } from './environment.ts';
import type { ReportKey, ReportStatus, UsageReport } from './usage-report.ts';

/** Reads of the store that explain numbers. */
export interface ExplainingReads {
  /** One report, also a voided one; null = there is none. */
  getReport(params: ReportKey): Promise<UsageReport | null>;
  /** A page of the usage events of a report in the order of recording, with the sums of all. */
  listEvents(params: ListEventsParams): Promise<ListEventsResult>;
  /** The newest decisions about a report, oldest first. */
  listDecisions(params: ListDecisionsParams): Promise<readonly ReportDecision[]>;
  /** Reports of one status in the order of account, meter and report. */
  listReportsByStatus(params: ListReportsByStatusParams): Promise<readonly UsageReport[]>;
  /** How many reports wait for a person. */
  countReportsToDecide(): Promise<ReportsToDecide>;
}

export interface ReportsToDecide {
  readonly held: number;
  readonly failed: number;
}

export interface ListEventsParams {
  readonly report: UsageReport;
  /** Events after this one; null = from the first. */
  readonly after: EventPosition | null;
  readonly limit: number;
}

/** Where an event stands in the order of recording. */
export interface EventPosition {
  readonly recorded_at: Instant;
  readonly event_id: number;
}

export interface ListEventsResult {
  readonly events: readonly UsageEvent[];
  /** Of all events of the report. */
  readonly total: { readonly events: number; readonly quantity: number };
  /** Whether events may have been taken out of the ledger: then neither the page nor the sums are complete. */
  readonly is_archived: boolean;
}

/** One row of the ledger. */
export interface UsageEvent extends EventPosition {
  readonly quantity: number;
  readonly occurred_at: Instant;
  /** null = none. */
  readonly idempotency_key: string | null;
  /** JSON; null = none. */
  readonly properties: string | null;
}

export interface ListDecisionsParams {
  readonly report: ReportKey;
  readonly limit: number;
}

/** What a person can decide of a report that is held or has failed. */
export type DecisionAction = 'retry' | 'counted' | 'written_off' | 'send';

/** What a person decided of a report: kept for good. */
export interface ReportDecision {
  readonly at: Instant;
  readonly action: DecisionAction;
  /** Who. */
  readonly actor: string;
  /** Why. */
  readonly reason: string;
  /** What Stripe counted beyond this database, and the person vouched for; 0 = nothing. */
  readonly acknowledged: number;
}

export interface ListReportsByStatusParams {
  /** null = every account. */
  readonly account_id: string | null;
  readonly status: ReportStatus;
  /** Reports after this one; null = from the first. */
  readonly after: ReportKey | null;
  readonly limit: number;
}
