import { type Kysely, sql, type Transaction } from 'kysely';
import type { LateUsagePolicy } from '../../core/late-usage.ts';
import { isReportable } from '../../core/quantity.ts';
import type { ListAccountsToRollUpParams, RollUpParams, RollUpResult, UsageEntry } from '../../core/store.ts';
import { openReportsFor, sealFullReports } from '../opening.ts';
import type { Database } from '../schema.ts';

interface WaitingEvent {
  readonly partition: string;
  readonly tid: string;
  readonly account_id: string;
  readonly meter: string;
  readonly quantity: number;
  readonly occurred_at: number;
  /** The open report of the billing period it occurred in; null = there is none. */
  readonly report_id: number | null;
}

interface AssignedEvent extends WaitingEvent {
  readonly report_id: number;
}

/**
 * Gives events that were recorded in transactions of the app to their reports. They are claimed by having no report,
 * never by their number: a transaction that began earlier may commit later. Other processes take other events.
 */
export async function rollUp(
  db: Kysely<Database>,
  schema: string,
  { now, account_id, except = [], limit, late_usage = 'bill_next' }: RollUpParams,
): Promise<RollUpResult> {
  const { full, more } = await db.transaction().execute(async (transaction) => {
    await useIndex(transaction);
    if (!(await isAlone(transaction, schema, account_id))) return { full: [], more: false };
    const waiting = await claimEvents(transaction, schema, { account_id, except, limit });
    if (waiting.length === 0) return { full: [], more: false };
    const { totals, fitting } = totalsOf(await route(transaction, schema, waiting, now, late_usage));
    const full = await lockReports(transaction, schema, totals);
    if (full.length > 0) return { full, more: true };
    await addToReports(transaction, schema, totals);
    await assign(transaction, fitting);
    return { full, more: waiting.length === limit || fitting.length < waiting.length };
  });
  // In a transaction of its own: whoever seals locks accounts first, and here reports were locked already.
  if (full.length > 0) {
    await db.transaction().execute((transaction) => sealFullReports(transaction, full, now));
  }
  return { more };
}

/** Those whose usage no transaction has claimed yet. */
export async function listAccountsToRollUp(
  db: Kysely<Database>,
  schema: string,
  { except, limit }: ListAccountsToRollUpParams,
): Promise<string[]> {
  return await db.transaction().execute(async (transaction) => {
    await useIndex(transaction);
    const { rows } = await sql<{ account_id: string }>`
      select distinct account_id from ${sql.raw(schema)}.usage_event
      where report_id is null and account_id <> all(${except}) order by account_id limit ${limit}`.execute(
      transaction,
    );
    return rows.map(({ account_id }) => account_id);
  });
}

/** What waits is found by a small index, whatever the server has counted so far. */
async function useIndex(db: Transaction<Database>): Promise<void> {
  await sql`set local enable_seqscan = off`.execute(db);
}

/**
 * One at a time: a row that another one has just given to a report would be locked before it is seen to be given, and
 * whoever moves it then waits for one that waits for the report. For a single account the turn is waited for.
 */
async function isAlone(
  db: Transaction<Database>,
  schema: string,
  account_id: string | null,
): Promise<boolean> {
  const name = sql`hashtextextended(${`tallybook roll-up ${schema}`}, 0)`;
  if (account_id !== null) {
    await sql`select pg_advisory_xact_lock(${name})`.execute(db);
    return true;
  }
  const { rows } = await sql<{
    is_alone: boolean;
  }>`select pg_try_advisory_xact_lock(${name}) as is_alone`.execute(db);
  return rows[0]?.is_alone === true;
}

async function claimEvents(
  db: Transaction<Database>,
  schema: string,
  { account_id, except, limit }: Required<Pick<RollUpParams, 'account_id' | 'except' | 'limit'>>,
): Promise<WaitingEvent[]> {
  const which =
    account_id === null ? sql`event.account_id <> all(${except})` : sql`event.account_id = ${account_id}`;
  const others = sql.raw(account_id === null ? 'skip locked' : '');
  const { rows } = await sql<WaitingEvent>`
    select event.tableoid::regclass::text as partition, event.ctid::text as tid, event.account_id, event.meter,
      event.quantity, event.occurred_at, (
        select report_id from ${sql.raw(schema)}.usage as report
        where report.account_id = event.account_id and report.meter = event.meter and report.status = 'open'
          and report.billing_period_start <= event.occurred_at and report.billing_period_end > event.occurred_at
        order by report.billing_period_start desc limit 1) as report_id
    from ${sql.raw(schema)}.usage_event as event where event.report_id is null and ${which}
    order by event.account_id, event.meter limit ${limit} for update of event ${others}`.execute(db);
  return rows;
}

/** Opens the reports that are missing. */
async function route(
  db: Transaction<Database>,
  schema: string,
  waiting: readonly WaitingEvent[],
  now: number,
  late_usage: LateUsagePolicy,
): Promise<AssignedEvent[]> {
  const homeless = waiting.filter(({ report_id }) => report_id === null);
  if (homeless.length === 0) return waiting as AssignedEvent[];
  await createAccounts(db, schema, [...new Set(homeless.map(({ account_id }) => account_id))]);
  const report_ids = await openReportsFor(db, homeless.map(toEntry), now, late_usage);
  const opened = new Map(homeless.map((event, index) => [event, report_ids[index]]));
  return waiting.map((event) => ({ ...event, report_id: event.report_id ?? opened.get(event) ?? 0 }));
}

/** Those that are known from nothing else yet, as of their first usage: it is in their first month. */
async function createAccounts(
  db: Transaction<Database>,
  schema: string,
  account_ids: readonly string[],
): Promise<void> {
  await sql`
    insert into ${sql.raw(schema)}.account (account_id, created_at)
    select account_id, least(min(recorded_at), min(occurred_at)) / 1000 * 1000 from ${sql.raw(schema)}.usage_event
    where report_id is null and account_id = any(${account_ids})
      and account_id not in (select account_id from ${sql.raw(schema)}.account where account_id = any(${account_ids}))
    group by account_id order by account_id on conflict do nothing`.execute(db);
}

function toEntry({ account_id, meter, quantity, occurred_at }: WaitingEvent): UsageEntry {
  return { account_id, meter, quantity, occurred_at, idempotency_key: null, content: null, properties: null };
}

interface Total {
  readonly account_id: string;
  readonly meter: string;
  readonly report_id: number;
  quantity: number;
  first_occurred_at: number;
  last_occurred_at: number;
}

/** What the events add to each report; events beyond 15 digits wait for the next batch. */
function totalsOf(events: readonly AssignedEvent[]): { totals: Total[]; fitting: AssignedEvent[] } {
  const totals = new Map<string, Total>();
  const fitting: AssignedEvent[] = [];
  for (const event of events) {
    const { account_id, meter, report_id, quantity, occurred_at } = event;
    const key = JSON.stringify([account_id, meter, report_id]);
    const total = totals.get(key) ?? {
      account_id,
      meter,
      report_id,
      quantity: 0,
      first_occurred_at: occurred_at,
      last_occurred_at: occurred_at,
    };
    if (!isReportable(total.quantity + quantity)) continue;
    total.quantity += quantity;
    total.first_occurred_at = Math.min(total.first_occurred_at, occurred_at);
    total.last_occurred_at = Math.max(total.last_occurred_at, occurred_at);
    totals.set(key, total);
    fitting.push(event);
  }
  return { totals: [...totals.values()], fitting };
}

/**
 * Locks the reports in the order in which increments lock them.
 *
 * @returns the totals for which a report has no room left.
 * @throws where a report was sealed meanwhile: all of it is repeated.
 */
async function lockReports(
  db: Transaction<Database>,
  schema: string,
  totals: readonly Total[],
): Promise<Total[]> {
  const { rows } = await sql<{ ordinal: number; quantity: number }>`
    select total.ordinal, report.quantity from ${sql.raw(schema)}.usage as report
    join unnest(${totals.map(({ account_id }) => account_id)}::text[], ${totals.map(({ meter }) => meter)}::text[],
      ${totals.map(({ report_id }) => report_id)}::integer[]) with ordinality
      as total (account_id, meter, report_id, ordinal)
      on report.account_id = total.account_id and report.meter = total.meter and report.report_id = total.report_id
    where report.status = 'open'
    order by report.account_id, report.meter, report.report_id for update of report`.execute(db);
  if (rows.length < totals.length) throw new ReportSealedError();
  const quantities = new Map(rows.map(({ ordinal, quantity }) => [ordinal, quantity]));
  return totals.filter(({ quantity }, index) => !isReportable((quantities.get(index + 1) ?? 0) + quantity));
}

/** A report was sealed between finding and locking it. */
export class ReportSealedError extends Error {}

async function addToReports(
  db: Transaction<Database>,
  schema: string,
  totals: readonly Total[],
): Promise<void> {
  await sql`
    update ${sql.raw(schema)}.usage as report set quantity = report.quantity + total.quantity,
      first_occurred_at = least(report.first_occurred_at, total.first_occurred_at),
      last_occurred_at = greatest(report.last_occurred_at, total.last_occurred_at)
    from unnest(${totals.map(({ account_id }) => account_id)}::text[], ${totals.map(({ meter }) => meter)}::text[],
      ${totals.map(({ report_id }) => report_id)}::integer[], ${totals.map(({ quantity }) => quantity)}::bigint[],
      ${totals.map((total) => total.first_occurred_at)}::bigint[],
      ${totals.map((total) => total.last_occurred_at)}::bigint[])
      as total (account_id, meter, report_id, quantity, first_occurred_at, last_occurred_at)
    where report.account_id = total.account_id and report.meter = total.meter
      and report.report_id = total.report_id`.execute(db);
}

/** The events are locked: until the end of the transaction their rows are where they were found. */
async function assign(db: Transaction<Database>, events: readonly AssignedEvent[]): Promise<void> {
  for (const [partition, found] of Map.groupBy(events, (event) => event.partition)) {
    await sql`
      update ${sql.raw(partition)} as event set report_id = assigned.report_id
      from unnest(${found.map(({ tid }) => tid)}::tid[], ${found.map(({ report_id }) => report_id)}::integer[])
        as assigned (tid, report_id)
      where event.ctid = assigned.tid`.execute(db);
  }
}
