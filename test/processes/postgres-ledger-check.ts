import { Client } from 'pg';
import type { CountedEvent } from './crash-account.ts';

/** What is counted in a whole database. */
export interface PostgresTotals {
  readonly reports: number;
  readonly closed_reports: number;
  readonly events: number;
  /** Events with a key. */
  readonly keyed: number;
  readonly quantity: number;
  /** That the server has resolved. */
  readonly deadlocks: number;
  /** Account → units, over all reports that are not voided. */
  readonly accounts: Readonly<Record<string, number>>;
}

interface Check {
  readonly invariant: string;
  /** Selects rows of one text each; none is how it should be. */
  readonly sql: string;
}

const SUMS = `
  SELECT account_id, meter, report_id, sum(quantity) AS quantity, min(occurred_at) AS first, max(occurred_at) AS last
  FROM tallybook.usage_event WHERE report_id IS NOT NULL GROUP BY account_id, meter, report_id`;

const CHECKS: readonly Check[] = [
  {
    invariant: 'I2: the quantity of a report is the sum of its events',
    sql: `SELECT format('report %s of %s %s says %s from %s to %s, its events %s from %s to %s', report_id, account_id, meter,
        report.quantity, first_occurred_at, last_occurred_at, own.quantity, own.first, own.last)
      FROM tallybook.usage AS report LEFT JOIN (${SUMS}) AS own USING (account_id, meter, report_id)
      WHERE status <> 'voided' AND (report.quantity, first_occurred_at, last_occurred_at)
        IS DISTINCT FROM (coalesce(own.quantity, 0), own.first, own.last)`,
  },
  {
    invariant: 'I3: one open report per account, meter and billing period',
    sql: `SELECT format('%s %s has %s open from %s', account_id, meter, count(*), billing_period_start)
      FROM tallybook.usage WHERE status = 'open' GROUP BY account_id, meter, billing_period_start HAVING count(*) > 1`,
  },
  {
    invariant: 'I4: regular reports never overlap',
    sql: `SELECT format('report %s of %s %s begins at %s, one before it ends at %s', report_id, account_id, meter,
        period_start, previous_end)
      FROM (SELECT *, max(coalesce(period_end, billing_period_end)) OVER (PARTITION BY account_id, meter
          ORDER BY period_start, report_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS previous_end
        FROM tallybook.usage WHERE NOT late AND status <> 'voided') AS regular
      WHERE previous_end > period_start`,
  },
  {
    invariant: 'I4: every event is in exactly one report that is not voided',
    sql: `SELECT format('%s units of %s %s are in report %s', own.quantity, account_id, meter, report_id)
      FROM (${SUMS}) AS own LEFT JOIN tallybook.usage AS report USING (account_id, meter, report_id)
      WHERE report.status IS NULL OR report.status = 'voided'
      UNION ALL SELECT format('event %s of %s %s is in none', event_id, account_id, meter)
      FROM tallybook.usage_event WHERE report_id IS NULL`,
  },
  {
    // Keys that are older than the oldest one that is known may have been forgotten.
    invariant: 'I1: a key counts once',
    sql: `SELECT format('key %s of %s %s has %s events and %s claims', idempotency_key, account_id, meter, events, claims)
      FROM (SELECT account_id, meter, idempotency_key, count(*) AS events, max(recorded_at) AS recorded_at
          FROM tallybook.usage_event WHERE idempotency_key IS NOT NULL GROUP BY 1, 2, 3) AS used
        FULL JOIN (SELECT account_id, meter, idempotency_key, count(*) AS claims FROM tallybook.usage_key
          GROUP BY 1, 2, 3) AS claimed USING (account_id, meter, idempotency_key)
      WHERE events IS DISTINCT FROM 1 OR claims > 1
        OR (claims IS NULL AND recorded_at >= (SELECT min(recorded_at) FROM tallybook.usage_key))`,
  },
];

const MAX_ROWS_SHOWN = 10;

/** Checks what must be true of any database on PostgreSQL; returns what is not, in words. */
export async function checkPostgresLedger(url: string): Promise<string[]> {
  return await withClient(url, async (client) => {
    const problems: string[] = [];
    for (const { invariant, sql } of CHECKS) {
      const { rows } = await client.query<[string]>({
        text: `${sql} LIMIT ${MAX_ROWS_SHOWN}`,
        rowMode: 'array',
      });
      problems.push(...rows.map(([text]) => `${invariant}: ${text}`));
    }
    return problems;
  });
}

/** Every event of the ledger. */
export async function readEvents(url: string): Promise<CountedEvent[]> {
  return await withClient(url, async (client) => {
    const { rows } = await client.query<CountedEvent>(
      'SELECT account_id, quantity::float8, idempotency_key, properties FROM tallybook.usage_event',
    );
    return rows;
  });
}

export async function readTotals(url: string): Promise<PostgresTotals> {
  return await withClient(url, async (client) => {
    const { rows } = await client.query<PostgresTotals>(`
      SELECT (SELECT count(*)::float8 FROM tallybook.usage) AS reports,
        (SELECT count(*)::float8 FROM tallybook.usage WHERE status = 'closed') AS closed_reports,
        (SELECT count(*)::float8 FROM tallybook.usage_event) AS events,
        (SELECT count(idempotency_key)::float8 FROM tallybook.usage_event) AS keyed,
        (SELECT coalesce(sum(quantity), 0)::float8 FROM tallybook.usage_event) AS quantity,
        (SELECT deadlocks::float8 FROM pg_stat_database WHERE datname = current_database()) AS deadlocks,
        (SELECT coalesce(json_object_agg(account_id, quantity), '{}') FROM (
          SELECT account_id, sum(quantity) AS quantity FROM tallybook.usage WHERE status <> 'voided'
          GROUP BY account_id) AS total) AS accounts`);
    const [totals] = rows;
    if (!totals) throw new Error('A SELECT without FROM gave no row.');
    return totals;
  });
}

async function withClient<Result>(url: string, run: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}
