import type { AccessStore } from './access.ts';
import type { Account } from './account.ts';
import type { BillingTimeline, Period, SubscriptionItem } from './billing-period.ts';
import type { ItemEnding } from './changed-items.ts';
import type { Instant } from './environment.ts';
import type { UsageError } from './errors.ts';
import type { LateUsagePolicy } from './late-usage.ts';
import type { DecisionAction, ExplainingReads } from './report-listing.ts';
import type { BillingSubscription } from './stripe-subscription.ts';
import type { ChangeKey, ChangeStatus, SubscriptionChange } from './subscription-change.ts';
import type { UnflushedBillStore } from './unflushed-bill.ts';
import type { ReportKey, ReportStatus, UsageReport } from './usage-report.ts';
import type { WebhookEventStore } from './webhook-event.ts';

/**
 * The port to the database. Every method is one transaction and safe to call from several processes at once.
 * Methods throw UsageError `storage_failed`, `storage_busy` or `schema_too_new`.
 */
export interface Store extends AccessStore, ExplainingReads, WebhookEventStore, UnflushedBillStore {
  /** How much usage to record in one call, and how many calls at once. */
  readonly batching: Batching;
  /** Writes usage events and adds them to their open reports; durable when it resolves. */
  recordUsage(params: RecordUsageParams): Promise<RecordUsageResult>;
  /**
   * Writes a usage event in a transaction of the app: it counts when the app commits.
   *
   * @throws UsageError `transaction_unsupported`, `invalid_transaction`.
   */
  recordInTransaction(params: RecordInTransactionParams): Promise<TransactionOutcome>;

  /** Creates or changes an account; absent fields stay. @throws UsageError `stripe_customer_taken`. */
  setAccount(params: SetAccountParams): Promise<Account>;
  /**
   * Links an account that has no Stripe customer, and leaves one that has as it is; creates it if need be.
   *
   * @throws UsageError `stripe_customer_taken`.
   */
  linkAccount(params: LinkAccountParams): Promise<Account>;
  /** The account that is linked to a Stripe customer; null = none is. */
  findAccount(params: { readonly stripe_customer: string }): Promise<Account | null>;
  /** What Stripe bills an account by, as it was read last. */
  listSubscriptions(params: { readonly account_id: string }): Promise<readonly BillingSubscription[]>;
  /** An account with its subscription items; null = unknown. */
  getAccount(params: { readonly account_id: string }): Promise<AccountWithItems | null>;
  /** Accounts in the order of their ids. */
  listAccounts(params: ListAccountsParams): Promise<readonly Account[]>;

  /** When an account's subscriptions are to be read next; null = when there is something to send. */
  setSyncDue(params: { readonly account_id: string; readonly sync_due_at: Instant | null }): Promise<void>;
  /**
   * What Stripe bills this account by, as read from Stripe at `now`. Unsent usage moves to the billing periods that
   * follow from it: reports that a period's new boundary cuts are split by `occurred_at`. `overtaken`: somebody else has
   * read them since, perhaps later; nothing changes, and they are due to be read again.
   */
  setSubscriptionItems(params: SetSubscriptionItemsParams): Promise<SetSubscriptionItemsResult>;

  /**
   * Begins a change of the account's subscription: usage until now is sealed, usage from now on waits for it.
   *
   * @throws UsageError `change_pending`.
   */
  requestChange(params: RequestChangeParams): Promise<SubscriptionChange>;
  /** A change of an account; null = there is none of this number. */
  getChange(params: ChangeKey): Promise<SubscriptionChange | null>;
  /** The newest change of an account; null = there was none. */
  getLastChange(params: { readonly account_id: string }): Promise<SubscriptionChange | null>;
  /** Changes to go on with, those due longest first. */
  listDueChanges(params: ListDueChangesParams): Promise<readonly SubscriptionChange[]>;
  /** Changes a change that is still as the caller saw it; false = it no longer is, and nothing changed. */
  changeChange(params: ChangeChangeParams): Promise<boolean>;
  /**
   * Ends a change that Stripe has made: the account is on its plan, and usage since the request is what the new items
   * bill. False = it had ended already.
   */
  completeChange(params: CompleteChangeParams): Promise<boolean>;

  /** Reports of one billing period, in their order, with the usage of the period that is in no report yet. */
  listReports(params: ListReportsParams): Promise<ListReportsResult>;
  /** Reports with usage that occurred in the range, in their order, with the range's usage that is in none yet. */
  listReportsWithUsage(params: ListReportsParams): Promise<ListReportsResult>;
  /** Sums the ledger over exactly `[start, end)`, by report. @throws UsageError `usage_archived`. */
  sumUsage(params: SumUsageParams): Promise<SumUsageResult>;
  /**
   * Sums the ledger by windows that meet at the given boundaries: usage of the given reports, and usage that is in none
   * yet. @throws UsageError `usage_archived`.
   */
  sumUsageByWindow(params: SumUsageByWindowParams): Promise<SumUsageByWindowResult>;
  /** Reads that all see the database as it is at the first of them, whatever is written meanwhile. */
  readAtOnce<Result>(run: (reader: UsageReader) => Promise<Result>): Promise<Result>;

  /** Adds usage that was recorded in the app's own transactions to its reports, a batch at a time. */
  rollUp(params: RollUpParams): Promise<RollUpResult>;
  /** Accounts that have such usage, in their order. */
  listAccountsToRollUp(params: ListAccountsToRollUpParams): Promise<readonly string[]>;
  /** Removes what is no longer needed and prepares what soon will be. */
  maintain(params: MaintainParams): Promise<void>;
  /** Seals the open reports of a batch of accounts and opens the next ones. */
  closeReports(params: CloseReportsParams): Promise<CloseReportsResult>;
  /** The accounts that `closeReports` would be at, in their order and without locking them. */
  listAccountsToClose(params: Omit<CloseReportsParams, 'locked'>): Promise<readonly string[]>;
  /** When the worker has something to do next. */
  readAgenda(params: { readonly job: string }): Promise<Agenda>;
  /** Ids of accounts that have reports, or subscriptions, to look at, in their order. */
  listDueAccounts(params: ListDueAccountsParams): Promise<readonly string[]>;
  /** How many accounts `listDueAccounts` would list in all. */
  countDueAccounts(params: { readonly now: Instant }): Promise<number>;
  /** Reports of an account that the job looks at, now or later (`due_at`), in the order of meter and report. */
  listUnfinishedReports(params: { readonly account_id: string }): Promise<readonly UsageReport[]>;
  /** Instants at which reports of a customer and meter are stamped, and what is in them. */
  listSlots(params: ListSlotsParams): Promise<readonly SlotUse[]>;
  /** Changes a report that is still in the status `from`; false = it no longer is, and nothing changed. */
  changeReport(params: ChangeReportParams): Promise<boolean>;

  /**
   * Gives the usage of a sealed report that was never sent to the account's current billing period, since its own
   * invoice is final; false = nothing bills the current one, or the report is no longer waiting.
   */
  moveToCurrentPeriod(params: MoveToCurrentPeriodParams): Promise<boolean>;
  /** What Stripe counted beyond this database in billing periods that end later, as far as persons have vouched for it. */
  acknowledgedUsage(params: AcknowledgedUsageParams): Promise<number>;
  /** What a person decides of a report, with who and why, in one transaction; false = it is no longer as it was. */
  decideReport(params: DecideReportParams): Promise<boolean>;
  /** Takes or renews a lease for a job; false = another holder has it. */
  acquireLease(params: AcquireLeaseParams): Promise<boolean>;
  releaseLease(params: { readonly job: string; readonly holder: string }): Promise<void>;
  /** The job begins a scheduled run. */
  setLastRun(params: { readonly job: string; readonly at: Instant }): Promise<void>;

  close(): Promise<void>;
}

export type UsageReader = Pick<
  Store,
  'listReportsWithUsage' | 'sumUsage' | 'sumUsageByWindow' | 'getReport' | 'listEvents' | 'listDecisions'
>;

export interface Batching {
  /** Entries of one commit: enough to make a commit cheap, few enough that nobody waits long behind it. */
  readonly max_entries: number;
  readonly max_in_flight: number;
  /** Entries that must wait before a commit begins next to another one. */
  readonly entries_to_overlap: number;
  /** Whether commits that may begin at once divide the accounts between them. Where one writes at a time it only makes more of them. */
  readonly divides_accounts: boolean;
}

export interface RecordInTransactionParams {
  /** A client or transaction as the app's own database library has it. */
  readonly transaction: unknown;
  readonly recorded_at: Instant;
  readonly entry: UsageEntry;
}

export type TransactionOutcome = Exclude<UsageEntryOutcome, 'late' | 'failed'>;

/** A usage event on its way into the ledger; several increments without a key may share one. */
export interface UsageEntry {
  readonly account_id: string;
  readonly meter: string;
  /** From 1; of an adjustment, any but 0. */
  readonly quantity: number;
  /** null = `recorded_at`. */
  readonly occurred_at: Instant | null;
  /** null = it always counts. */
  readonly idempotency_key: string | null;
  /** What must be equal when the key is used again; null without a key. */
  readonly content: string | null;
  /** JSON; null = none. */
  readonly properties: string | null;
}

export interface RecordUsageParams {
  /** UUID of this write: the store repeats it under the same id after a lost answer, so that it counts once. */
  readonly flush_id: string;
  readonly recorded_at: Instant;
  readonly entries: readonly UsageEntry[];
  /** Default: `bill_next`. */
  readonly late_usage?: LateUsagePolicy;
}

/**
 * `duplicate`: the key was counted before. `conflict`: it was, with other content; nothing changed. `late`: its invoice
 * is final and the policy refuses it. `failed`: it was not recorded, while others of the same call were.
 */
export type UsageEntryOutcome = 'recorded' | 'duplicate' | 'conflict' | 'late' | 'failed';

export interface RecordUsageResult {
  /** One per entry, in their order. */
  readonly outcomes: readonly UsageEntryOutcome[];
  /** Why entries failed; null = none did. */
  readonly failure: UsageError | null;
}

export interface SetAccountParams {
  readonly account_id: string;
  /** null = no plan; absent = as it was. */
  readonly plan?: string | null | undefined;
  /** null = not linked; absent = as it was. */
  readonly stripe_customer?: string | null | undefined;
  readonly now: Instant;
}

export interface AccountWithItems {
  readonly account: Account;
  readonly items: readonly SubscriptionItem[];
}

/** What decides which billing periods usage of one meter of an account belongs to. */
export function timelineOf({ account, items }: AccountWithItems, meter: string): BillingTimeline {
  return { created_at: account.created_at, items: items.filter((item) => item.meter === meter) };
}

export interface ListAccountsParams {
  /** Ids after this one; null = from the first. */
  readonly after: string | null;
  readonly limit: number;
}

export interface SetSubscriptionItemsParams {
  readonly account_id: string;
  /** The customer that the items were read for; when it is no longer the account's, nothing changes. */
  readonly stripe_customer: string;
  readonly items: readonly SubscriptionItem[];
  /** The subscriptions themselves; absent = those that are known stay. */
  readonly subscriptions?: readonly BillingSubscription[];
  /** The plan that they put the account on; null = none; absent = as it was. */
  readonly plan?: string | null | undefined;
  /** What was learned of `endedItems`. Default: what the stored events tell. */
  readonly endings?: readonly ItemEnding[];
  /** When to read them again; null = when there is something to send. */
  readonly sync_due_at: Instant | null;
  /**
   * The account as it was before Stripe was asked. What has made it due since, such as an event, may have happened after Stripe
   * answered: it stays due. Default: as it is.
   */
  readonly seen?: Pick<Account, 'synced_at' | 'sync_due_at'>;
  readonly now: Instant;
}

export type SetSubscriptionItemsResult = 'stored' | 'overtaken' | 'other_customer';

export interface LinkAccountParams {
  readonly account_id: string;
  readonly stripe_customer: string;
  readonly now: Instant;
}

export interface RequestChangeParams
  extends Pick<
    SubscriptionChange,
    'account_id' | 'kind' | 'stripe_subscription' | 'plan' | 'interval' | 'seats'
  > {
  /** Default: null. */
  readonly proration_date?: Instant | null;
  /**
   * `change_id` of the newest change that the caller knows, 0 where there was none: after another one the request is refused
   * as `change_pending`, since the caller decided by what was before it. Default: whichever.
   */
  readonly after?: number;
  readonly now: Instant;
}

export interface ListDueChangesParams {
  readonly now: Instant;
  readonly limit: number;
}

export interface ChangeChangeParams {
  readonly change: ChangeKey;
  readonly from: ChangeStatus;
  /** The attempts that the caller saw: two workers never make the same attempt. */
  readonly attempts: number;
  readonly changes: Partial<
    Pick<SubscriptionChange, 'status' | 'attempts' | 'kept_failures' | 'due_at' | 'error_code' | 'last_error'>
  >;
}

export interface CompleteChangeParams extends Omit<SetSubscriptionItemsParams, 'account_id'> {
  readonly change: ChangeKey;
  readonly changed_at: Instant;
}

export interface ListReportsParams {
  readonly account_id: string;
  readonly meter: string;
  readonly range: Period;
}

export interface ListReportsResult {
  readonly reports: readonly UsageReport[];
  /** Quantity recorded in the app's own transactions that awaits its roll-up. */
  readonly unassigned: number;
}

export interface SumUsageParams {
  readonly account_id: string;
  readonly meter: string;
  readonly range: Period;
  /** Only events of these reports. */
  readonly report_ids: readonly number[];
}

export interface SumUsageResult {
  /** Reports without usage in the range are absent. */
  readonly quantities: ReadonlyMap<number, number>;
}

export interface SumUsageByWindowParams extends SumUsageParams {
  /** Ascending; from at or before the start of the range to at or after its end. */
  readonly boundaries: readonly Instant[];
}

export interface SumUsageByWindowResult {
  /** Start of a window, as in `boundaries` → quantity. Windows without usage are absent. */
  readonly quantities: ReadonlyMap<Instant, number>;
}

export interface CloseReportsParams {
  readonly now: Instant;
  /** Billing periods that end until then have ended, as by a clock that is ahead of ours. Default: `now`. */
  readonly ended_by?: Instant;
  /** `ended`: only reports whose billing period has ended. */
  readonly which: 'all' | 'ended';
  /** null = every account. */
  readonly account_id: string | null;
  /** Accounts that are left out. Default: none. */
  readonly except?: readonly string[];
  /** Accounts after this one; null = from the first. */
  readonly after: string | null;
  /** Accounts that another process is at: left out, or waited for. */
  readonly locked: 'skip' | 'wait';
  /** Accounts. */
  readonly limit: number;
}

export interface CloseReportsResult {
  readonly closed: number;
  /** What the next call's `after` is. */
  readonly after: string | null;
  /** False: nothing more was due at `now`, but for what others are at. */
  readonly more: boolean;
}

export interface RollUpParams {
  readonly now: Instant;
  /** null = every account; of one account, what another process is at is waited for. */
  readonly account_id: string | null;
  /** Accounts that are left out where it is every account. Default: none. */
  readonly except?: readonly string[];
  /** Usage events. */
  readonly limit: number;
  /** Default: `bill_next`; `reject` means the same, since the app has been told that it counts. */
  readonly late_usage?: LateUsagePolicy;
}

export interface RollUpResult {
  /** False: nothing more was waiting that no other process is at. */
  readonly more: boolean;
}

export interface ListAccountsToRollUpParams {
  readonly except: readonly string[];
  readonly limit: number;
}

export interface MaintainParams {
  readonly now: Instant;
  /** Idempotency keys recorded before are forgotten. */
  readonly keys_before: Instant;
  /** Settled parts of the ledger recorded before are taken out of it, where the engine can; null = none. */
  readonly ledger_before: Instant | null;
}

/** What is due when; null = nothing waits. */
export interface Agenda {
  /** The first end of a billing period with an open report. */
  readonly period_end: Instant | null;
  /** Reports that are sealed. */
  readonly report_due_at: Instant | null;
  /** Subscriptions that are to be read. */
  readonly sync_due_at: Instant | null;
  /** Changes of subscriptions. */
  readonly change_due_at: Instant | null;
  readonly webhook_due_at: Instant | null;
  /** When the job last began a scheduled run; null = never. */
  readonly last_run_at: Instant | null;
}

export interface ListDueAccountsParams {
  readonly now: Instant;
  /** null = from the first. */
  readonly after: string | null;
  readonly limit: number;
}

export interface ListSlotsParams {
  readonly stripe_customer: string;
  readonly meter: string;
  readonly range: Period;
}

export interface SlotUse {
  readonly report_id: number;
  readonly account_id: string;
  readonly slot: Instant;
  readonly quantity: number;
  readonly status: ReportStatus;
  /** null = Stripe has not accepted it. */
  readonly reported_at: Instant | null;
  /** null = Stripe's count does not prove it yet. */
  readonly verified_at: Instant | null;
}

/** What may change about a report after it is sealed. */
export type ReportChanges = Partial<
  Pick<
    UsageReport,
    | 'status'
    | 'reason'
    | 'stripe_customer'
    | 'identifier'
    | 'slot'
    | 'attempts'
    | 'first_attempt_at'
    | 'generation'
    | 'reported_at'
    | 'verified_at'
    | 'pending_since'
    | 'due_at'
    | 'last_error'
  >
> & { readonly slot_shared?: boolean };

export interface ChangeReportParams {
  readonly report: ReportKey;
  readonly from: ReportStatus;
  /** The attempts that the caller saw: two senders never make the same attempt. */
  readonly attempts: number;
  readonly changes: ReportChanges;
}

export interface MoveToCurrentPeriodParams {
  readonly report: ReportKey;
  readonly now: Instant;
}

export interface AcknowledgedUsageParams {
  readonly account_id: string;
  readonly meter: string;
  readonly since: Instant;
}

export interface DecideReportParams extends ChangeReportParams {
  readonly action: DecisionAction;
  readonly actor: string;
  readonly reason: string;
  readonly at: Instant;
  /** What Stripe counted beyond this database, and is vouched for. */
  readonly acknowledged: number;
}

export interface AcquireLeaseParams {
  readonly job: string;
  readonly holder: string;
  readonly now: Instant;
  readonly expires_at: Instant;
}

/** The commit was asked for and its answer was lost: repeat the write with the same `flush_id` to learn of it. */
export class CommitUnknownError extends Error {
  override readonly name = 'CommitUnknownError';
}
