import { Client } from 'pg';
import { startOfMonth } from '../../src/core/instant.ts';
import { createPostgresStore } from '../../src/storage/postgres/postgres-store.ts';
import { systemEnvironment } from '../../src/system-environment.ts';
import { verifyReports, verifyTotals } from './accounts.ts';
import type { BenchmarkDatabase } from './server.ts';

/** Accounts subscribed so many months ago, each on a day and second of its own. */
const MONTHS = 3;
/** What the report job sealed in each billing period. */
const REPORTS_PER_PERIOD = 10;
const PRICE = {
  currency: 'usd',
  billing_scheme: 'tiered',
  tiers_mode: 'volume',
  tiers: [
    { up_to: 100, unit_amount_decimal: '2' },
    { up_to: 'inf', unit_amount_decimal: '1.5' },
  ],
};

/**
 * Fills an empty database as months of use would have: subscriptions, a ledger of `rows` events in the order of time,
 * reports that say what their events say, all of them sent but the open ones.
 */
export async function fillHistory(
  database: BenchmarkDatabase,
  { rows, accounts }: { rows: number; accounts: readonly string[] },
): Promise<void> {
  const now = Date.now();
  await createTables(database, now);
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    // What the triggers check row by row holds by construction. Sorting needs memory, once.
    await client.query(
      `SET session_replication_role = replica; SET work_mem = '256MB'; SET search_path = tallybook`,
    );
    await client.query(ACCOUNTS, [accounts, startOfMonth(now, -MONTHS)]);
    await client.query(PERIODS, [now]);
    await client.query(SUBSCRIPTIONS, [JSON.stringify(PRICE), now]);
    await client.query(REPORTS, [now, REPORTS_PER_PERIOD]);
    await client.query(EVENTS, [Math.floor(rows / accounts.length)]);
    await client.query(USAGE);
    await client.query('DROP TABLE history_period, history_report');
  } finally {
    await client.end();
  }
  await database.settle();
  const [total] = await database.query('SELECT sum(quantity)::float8 AS quantity FROM tallybook.usage_event');
  await verifyTotals(database, { quantity: Number(total?.['quantity']) });
  await verifyReports(database);
}

/** With the ledger's partitions of the past. */
async function createTables(database: BenchmarkDatabase, now: number): Promise<void> {
  const environment = systemEnvironment();
  const store = createPostgresStore({ server: { url: database.url }, environment });
  for (let ago = MONTHS; ago >= 0; ago -= 1) {
    await store.maintain({ now: startOfMonth(now, -ago), keys_before: 0, ledger_before: null });
  }
  await store.close();
}

const ACCOUNTS = `
  INSERT INTO account (account_id, stripe_customer, created_at, synced_at)
  SELECT account_id, 'cus_' || account_id, anchor, anchor
  FROM unnest($1::text[]) WITH ORDINALITY AS account (account_id, number),
    LATERAL (SELECT $2::bigint + ((number % 28) * 86400 + number * 7919 % 86400) * 1000 AS anchor) AS anchored`;

const PERIODS = `
  CREATE UNLOGGED TABLE history_period AS
  SELECT account_id, starts_at, ends_at
  FROM (
    SELECT account_id, (extract(epoch FROM anchor + n * interval '1 month') * 1000)::bigint AS starts_at,
      (extract(epoch FROM anchor + (n + 1) * interval '1 month') * 1000)::bigint AS ends_at
    FROM (SELECT account_id, to_timestamp(created_at / 1000) AT TIME ZONE 'UTC' AS anchor FROM account) AS anchored,
      generate_series(0, 12) AS n
  ) AS period
  WHERE starts_at <= $1::bigint`;

const SUBSCRIPTIONS = `
  INSERT INTO subscription (account_id, stripe_subscription_item, stripe_subscription, meter, price, anchor, "interval",
    interval_count, started_at, current_period_start, current_period_end)
  SELECT account_id, 'si_' || account_id, 'sub_' || account_id, 'credits', $1::text, created_at, 'month', 1, created_at,
    starts_at, ends_at
  FROM account JOIN history_period USING (account_id) WHERE ends_at > $2::bigint`;

/** The one that has not ended is open; \`until\`: where its usage ends. */
const REPORTS = `
  CREATE UNLOGGED TABLE history_report AS
  SELECT account_id, row_number() OVER (PARTITION BY account_id ORDER BY period_start)::integer AS report_id,
    count(*) OVER (PARTITION BY account_id) AS reports, period_start,
    CASE WHEN period_end <= $1::bigint THEN period_end END AS period_end, starts_at, ends_at,
    least(period_end, $1::bigint) AS until
  FROM (
    SELECT account_id, starts_at, ends_at, starts_at + nth * length AS period_start,
      CASE WHEN nth = $2::bigint - 1 THEN ends_at ELSE starts_at + (nth + 1) * length END AS period_end
    FROM history_period, generate_series(0, $2::bigint - 1) AS nth,
      LATERAL (SELECT (ends_at - starts_at) / $2::bigint / 1000 * 1000 AS length) AS measured
  ) AS report
  WHERE period_start < $1::bigint`;

const EVENTS = `
  INSERT INTO usage_event (account_id, meter, report_id, quantity, occurred_at, recorded_at)
  SELECT account_id, 'credits', report_id, 1 + floor(random() * 9)::bigint, occurred_at, occurred_at
  FROM (
    SELECT account_id, report_id, period_start + floor(random() * (until - period_start))::bigint AS occurred_at
    FROM history_report,
      generate_series((report_id - 1) * $1::bigint / reports, report_id * $1::bigint / reports - 1) AS nth
  ) AS event
  ORDER BY occurred_at`;

const USAGE = `
  INSERT INTO usage (account_id, meter, report_id, status, late, period_start, period_end, billing_period_start,
    billing_period_end, quantity, first_occurred_at, last_occurred_at, stripe_customer, identifier, slot, attempts,
    first_attempt_at, reported_at)
  SELECT account_id, 'credits', report_id, CASE WHEN period_end IS NULL THEN 'open' ELSE 'reported' END, false,
    period_start, period_end, starts_at, ends_at, quantity, first_occurred_at, last_occurred_at,
    CASE WHEN period_end IS NOT NULL THEN 'cus_' || account_id END,
    CASE WHEN period_end IS NOT NULL THEN account_id || '_' || report_id END,
    CASE WHEN period_end IS NOT NULL THEN period_start END,
    CASE WHEN period_end IS NOT NULL THEN 1 ELSE 0 END, period_end, period_end
  FROM history_report JOIN (
    SELECT account_id, report_id, sum(quantity)::bigint AS quantity, min(occurred_at) AS first_occurred_at,
      max(occurred_at) AS last_occurred_at
    FROM usage_event GROUP BY account_id, report_id
  ) AS total USING (account_id, report_id)
  ORDER BY period_start, account_id`;
