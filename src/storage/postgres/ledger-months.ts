import type { Period } from '../../core/billing-period.ts';
import type { Instant } from '../../core/environment.ts';
import { DAY_MS, MINUTE_MS, startOfMonth } from '../../core/instant.ts';
import { isFromServer, type PostgresPool, Session } from './session.ts';

/** Months that are made before they begin, so that a worker that is down for weeks stops nobody. */
const MONTHS_AHEAD = 2;
const CHECK_VIOLATION = '23514';

interface Month extends Period {
  /** Of its table: `usage_event_2026_11`. */
  readonly name: string;
}

/**
 * Makes the partitions of the month of an instant and of the next ones. Several processes may at once.
 *
 * @returns until when there are months.
 */
export async function ensureMonths(session: Session, schema: string, now: Instant): Promise<Instant> {
  const wanted = Array.from({ length: MONTHS_AHEAD + 1 }, (_, ahead) => monthOf(now, ahead));
  const { rows } = await session.query(`SELECT name FROM ${schema}.usage_event_month`);
  const known = new Set(rows.map(({ name }) => name));
  const missing = wanted.filter(({ name }) => !known.has(name));
  const until = startOfMonth(now, MONTHS_AHEAD + 1);
  if (missing.length === 0) return until;
  // Under a lock of the month table alone. ATTACH, unlike CREATE … PARTITION OF, lets writers go on.
  await session
    .query(`
    BEGIN;
    SET LOCAL lock_timeout = '5s';
    LOCK TABLE ${schema}.usage_event_month IN SHARE ROW EXCLUSIVE MODE;
    ${missing.map((month) => addMonth(schema, month)).join('')}
    COMMIT;`)
    .catch(async (error) => {
      await session.query('ROLLBACK');
      throw error;
    });
  return until;
}

export interface MonthsContext {
  readonly pool: PostgresPool;
  /** A quoted identifier. */
  readonly schema: string;
  /** Until when the ledger has months. */
  readonly months_until: Instant;
}

/** Makes the months for an instant where there are none, for transactions that cannot make them themselves. */
export function monthKeeper({ pool, schema, months_until }: MonthsContext) {
  let until = months_until;
  return async (recorded_at: Instant): Promise<void> => {
    if (recorded_at < until) return;
    const session = await Session.open(pool);
    try {
      until = await ensureMonths(session, schema, recorded_at);
    } finally {
      session.release();
    }
  };
}

function addMonth(schema: string, { name, start, end }: Month): string {
  return `
    DO $$ BEGIN
      IF EXISTS (SELECT 1 FROM ${schema}.usage_event_month WHERE name = '${name}') THEN RETURN; END IF;
      CREATE TABLE ${schema}.${name} (LIKE ${schema}.usage_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);
      ALTER TABLE ${schema}.${name} REPLICA IDENTITY FULL;
      CREATE TRIGGER usage_event_no_truncate BEFORE TRUNCATE ON ${schema}.${name}
      FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.refuse('the ledger is append-only');
      ALTER TABLE ${schema}.usage_event ATTACH PARTITION ${schema}.${name} FOR VALUES FROM (${start}) TO (${end});
      INSERT INTO ${schema}.usage_event_month (name, starts_at, ends_at) VALUES ('${name}', ${start}, ${end});
    END $$;`;
}

function monthOf(instant: Instant, ahead: number): Month {
  const start = startOfMonth(instant, ahead);
  const name = `usage_event_${new Date(start).toISOString().slice(0, 7).replace('-', '_')}`;
  return { name, start, end: startOfMonth(start, 1) };
}

/**
 * Whether an insert found no partition for its month. Its text is in the server's language; only a violated CHECK
 * names a constraint.
 */
export function isMonthMissing(error: unknown): boolean {
  if (!isFromServer(error) || error.code !== CHECK_VIOLATION) return false;
  return !('constraint' in error) || error.constraint === undefined;
}

/**
 * When usage that occurred in a range can have been recorded: `timestamp` may lie 5 minutes ahead and 35 days back. A
 * little is added, for clocks that differ.
 */
export function recordedWithin({ start, end }: Period): Period {
  return { start: start - 10 * MINUTE_MS, end: end + 36 * DAY_MS };
}

/**
 * Takes months of the ledger that ended before an instant out of it, where everything in them is settled. Their tables
 * stay, for the app to archive or drop. A month is marked first, so that nobody adds up what is half gone; one that is
 * marked and still attached was interrupted, or attached again.
 */
export async function detachMonths(
  session: Session,
  schema: string,
  before: Instant,
  now: Instant,
): Promise<void> {
  const { rows } = await session.query(
    `SELECT name, ends_at, detached_at, is_attached FROM ${schema}.usage_event_month, LATERAL (
       SELECT EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = to_regclass($2 || '.' || name)) AS is_attached) AS table_state
     WHERE ends_at <= $1 AND (detached_at IS NULL OR is_attached) ORDER BY name`,
    [before, schema],
  );
  for (const { name, ends_at, detached_at, is_attached } of rows as unknown as MonthRow[]) {
    if (!is_attached) continue;
    if (detached_at === null) {
      if (!(await isSettled(session, schema, name, recordedWithin({ start: 0, end: ends_at }).end))) return;
      const mark = `UPDATE ${schema}.usage_event_month SET detached_at = $1 WHERE name = $2`;
      await session.query(mark, [now, name]);
    }
    await detach(session, schema, name);
  }
}

interface MonthRow {
  readonly name: string;
  readonly ends_at: Instant;
  /** null = part of the ledger. */
  readonly detached_at: Instant | null;
  readonly is_attached: boolean;
}

/** Whether no event of the month is without a report or in one that may still change or be sent. */
async function isSettled(session: Session, schema: string, name: string, until: Instant): Promise<boolean> {
  const { rows } = await session.query(
    `SELECT NOT EXISTS (SELECT 1 FROM ${schema}.${name} WHERE report_id IS NULL) AND NOT EXISTS (
       SELECT 1 FROM ${schema}.usage AS report WHERE status NOT IN ('reported', 'voided', 'not_billable')
         AND first_occurred_at < $1 AND EXISTS (SELECT 1 FROM ${schema}.${name} AS event
           WHERE event.account_id = report.account_id AND event.meter = report.meter
             AND event.report_id = report.report_id)) AS settled`,
    [until],
  );
  return rows[0]?.['settled'] === true;
}

/** Without stopping writers; a detachment that was interrupted is finished. */
async function detach(session: Session, schema: string, name: string): Promise<void> {
  const { rows } = await session.query(
    'SELECT inhdetachpending AS pending FROM pg_inherits WHERE inhrelid = $1::regclass',
    [`${schema}.${name}`],
  );
  const how = rows[0]?.['pending'] === true ? 'FINALIZE' : 'CONCURRENTLY';
  await session.query(`ALTER TABLE ${schema}.usage_event DETACH PARTITION ${schema}.${name} ${how}`);
}
