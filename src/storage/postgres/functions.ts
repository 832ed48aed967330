/** The database functions of the write path, as the migrations create them. `schema` is a quoted identifier. */

/** The start of an open report's billing period, null for others: as the index `usage_open_start` has it. */
export const OPEN_START = `CASE WHEN status = 'open' THEN billing_period_start END`;

/** With so many entries for each account, the ledger is written before the reports are locked. */
const ENTRIES_TO_WRITE_FIRST = 4;

/** Plans are made once per connection, and walk the rows in the order in which they are given. */
const IN_ORDER = `SET plan_cache_mode = force_generic_plan SET jit = off
  SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET enable_bitmapscan = off
  SET lock_timeout = '5s'`;

/**
 * The hot write path, all of it in one call, so that an increment costs one round trip and its plans are kept by the
 * server also behind a pooler. A group is an account and meter with what its entries add; entries name
 * their group by number. Answers one letter per entry, or '' when all were recorded.
 *
 * Where a group does not fit exactly one open report, all of it is undone (TB001): the caller goes on with
 * `record_usage_by_instant`, which also takes the batches that have negative quantities. That the groups are taken in
 * their order keeps two of these from waiting for each other in a circle.
 */
export function recordUsageFunction(schema: string): string {
  return `
  CREATE FUNCTION ${schema}.record_usage(
    p_flush_id uuid, p_recorded_at bigint,
    group_accounts text[], group_meters text[],
    group_quantities bigint[], group_firsts bigint[], group_lasts bigint[],
    entry_groups integer[], entry_quantities bigint[], entry_instants bigint[], entry_keys text[],
    entry_contents text[], entry_properties text[]
  ) RETURNS text LANGUAGE plpgsql ${IN_ORDER} AS $$
  #variable_conflict use_column
  DECLARE
    numbers integer[];
    reports integer[];
    ends bigint[];
    letters text[];
    answer text := '';
    updated record;
    wanted integer;
    found integer := 0;
    are_written boolean := false;
  BEGIN
    IF entry_keys IS NOT NULL THEN
      -- Nearly always all keys are new. To insert them without ON CONFLICT costs a third less.
      BEGIN
        ${insertKeys(schema)};
      EXCEPTION WHEN unique_violation THEN
        letters := ${schema}.claim_keys(p_recorded_at, group_accounts, group_meters, entry_groups, entry_keys,
          entry_contents, NULL);
      END;
    END IF;
    IF letters IS NULL AND cardinality(entry_groups) >= ${ENTRIES_TO_WRITE_FIRST} * cardinality(group_accounts) THEN
      -- Many entries of few accounts: these stay locked for as short a time as possible.
      SELECT array_agg(grp ORDER BY grp), array_agg(report_id ORDER BY grp), array_agg(billing_period_end ORDER BY grp)
      INTO numbers, reports, ends
      FROM ${TOTALS} JOIN ${schema}.usage AS report ON ${reportOfTotal()};
      IF numbers IS DISTINCT FROM ARRAY(SELECT generate_series(1, cardinality(group_accounts))) THEN
        RAISE EXCEPTION 'tallybook: not one open report for each account' USING ERRCODE = 'TB001';
      END IF;
      ${insertEvents(schema)};
      are_written := true;
      ${addToReports(schema, TOTALS)} AND report.report_id = reports[grp];
      GET DIAGNOSTICS found = ROW_COUNT;
      IF found <> cardinality(group_accounts) THEN
        RAISE EXCEPTION 'tallybook: a report was sealed meanwhile' USING ERRCODE = 'TB001';
      END IF;
    ELSIF letters IS NULL THEN
      WITH updated AS (
        ${addToReports(schema, TOTALS)}
        RETURNING total.grp, report.report_id, report.billing_period_end
      )
      SELECT array_agg(grp ORDER BY grp), array_agg(report_id ORDER BY grp), array_agg(billing_period_end ORDER BY grp)
      INTO numbers, reports, ends FROM updated;
      IF numbers IS DISTINCT FROM ARRAY(SELECT generate_series(1, cardinality(group_accounts))) THEN
        RAISE EXCEPTION 'tallybook: not one open report for each account' USING ERRCODE = 'TB001';
      END IF;
    ELSE
      -- Only what was claimed counts.
      SELECT array_agg(grp), array_agg(quantity), array_agg(first_instant), array_agg(last_instant)
      INTO numbers, group_quantities, group_firsts, group_lasts
      FROM (
        SELECT grp, sum(quantity)::bigint AS quantity, min(coalesce(instant, p_recorded_at)) AS first_instant,
          max(coalesce(instant, p_recorded_at)) AS last_instant
        FROM unnest(entry_groups, entry_quantities, entry_instants) WITH ORDINALITY
          AS entry (grp, quantity, instant, ordinal)
        WHERE letters[ordinal] = 'r' GROUP BY grp ORDER BY grp
      ) AS counted;
      wanted := coalesce(cardinality(numbers), 0);
      FOR updated IN
        ${addToReports(schema, COUNTED_TOTALS)}
        RETURNING total.grp, report.report_id, report.billing_period_end
      LOOP
        found := found + CASE WHEN reports[updated.grp] IS NULL THEN 1 ELSE wanted END;
        reports[updated.grp] := updated.report_id;
        ends[updated.grp] := updated.billing_period_end;
      END LOOP;
      IF found <> wanted THEN
        RAISE EXCEPTION 'tallybook: not one open report for each account' USING ERRCODE = 'TB001';
      END IF;
    END IF;

    IF NOT are_written THEN
      ${insertEvents(schema)};
    END IF;
    IF letters IS NOT NULL THEN answer := rtrim(array_to_string(letters, ''), 'r'); END IF;
    INSERT INTO ${schema}.usage_flush (flush_id, outcomes) VALUES (p_flush_id, answer);
    RETURN answer;
  END $$;
  `;
}

/**
 * As `record_usage`, for one entry, whose caller waits for each statement and setting. Where the key was used before
 * (`usage_key_pkey`) or the account has no open report for the instant (TB001) or several (P0003), all of it is undone.
 */
export function recordOneFunction(schema: string): string {
  return `
  CREATE FUNCTION ${schema}.record_one(
    p_flush_id uuid, p_recorded_at bigint, p_account text, p_meter text, p_quantity bigint, p_instant bigint,
    p_key text, p_content text, p_properties text
  ) RETURNS text LANGUAGE plpgsql SET enable_seqscan = off SET lock_timeout = '5s' AS $$
  DECLARE
    at constant bigint := least(p_instant, p_recorded_at);
    report integer;
    ends bigint;
  BEGIN
    IF p_key IS NOT NULL THEN
      INSERT INTO ${schema}.usage_key (idempotency_key, account_id, meter, content, recorded_at)
      VALUES (p_key, p_account, p_meter, p_content, p_recorded_at);
    END IF;
    UPDATE ${schema}.usage SET quantity = quantity + p_quantity,
      first_occurred_at = least(first_occurred_at, p_instant, billing_period_end - 1),
      last_occurred_at = greatest(last_occurred_at, least(p_instant, billing_period_end - 1))
    WHERE account_id = p_account AND meter = p_meter AND (${OPEN_START}) <= at AND billing_period_end > at
      AND quantity + p_quantity BETWEEN -999999999999999 AND 999999999999999
    RETURNING report_id, billing_period_end INTO report, ends;
    IF report IS NULL THEN
      RAISE EXCEPTION 'tallybook: no open report' USING ERRCODE = 'TB001';
    END IF;
    INSERT INTO ${schema}.usage_event
      (account_id, meter, report_id, quantity, occurred_at, recorded_at, idempotency_key, properties)
    VALUES (p_account, p_meter, report, p_quantity, least(p_instant, ends - 1), p_recorded_at, p_key, p_properties);
    INSERT INTO ${schema}.usage_flush (flush_id, outcomes) VALUES (p_flush_id, '');
    RETURN '';
  END $$;
  `;
}

/** What each group adds. */
const TOTALS = `unnest(group_quantities, group_firsts, group_lasts) WITH ORDINALITY
          AS total (quantity, first_instant, last_instant, grp)`;
const COUNTED_TOTALS = `unnest(numbers, group_quantities, group_firsts, group_lasts)
          AS total (grp, quantity, first_instant, last_instant)`;

/** Adds to the one open report whose billing period has all of a group's instants. */
function addToReports(schema: string, totals: string): string {
  return `UPDATE ${schema}.usage AS report SET quantity = report.quantity + total.quantity,
          first_occurred_at = least(report.first_occurred_at, total.first_instant, report.billing_period_end - 1),
          last_occurred_at = greatest(report.last_occurred_at, least(total.last_instant, report.billing_period_end - 1))
        FROM ${totals}
        WHERE ${reportOfTotal()}`;
}

/**
 * `ANY (ARRAY[…])` is an equality that leaves the server one way only to join: for each group, look up its report.
 */
function reportOfTotal(): string {
  return `report.account_id = ANY (ARRAY[group_accounts[grp]]) AND report.meter = ANY (ARRAY[group_meters[grp]])
          AND (${OPEN_START}) <= least(total.first_instant, p_recorded_at)
          AND report.billing_period_end > least(total.last_instant, p_recorded_at)
          AND report.quantity + total.quantity <= 999999999999999`;
}

function insertKeys(schema: string): string {
  return `INSERT INTO ${schema}.usage_key (idempotency_key, account_id, meter, content, recorded_at)
        SELECT key, group_accounts[grp], group_meters[grp], content, p_recorded_at
        FROM unnest(entry_groups, entry_keys, entry_contents) WITH ORDINALITY AS entry (grp, key, content, ordinal)
        WHERE key IS NOT NULL ORDER BY key COLLATE "C", 2, 3, ordinal`;
}

/** A timestamp slightly ahead stays in the billing period in which it was recorded. */
function insertEvents(schema: string): string {
  return `INSERT INTO ${schema}.usage_event
      (account_id, meter, report_id, quantity, occurred_at, recorded_at, idempotency_key, properties)
    SELECT group_accounts[grp], group_meters[grp], reports[grp], quantity,
      least(coalesce(instant, p_recorded_at), ends[grp] - 1), p_recorded_at, key, properties
    FROM unnest(entry_groups, entry_quantities, entry_instants, entry_keys, entry_properties) WITH ORDINALITY
      AS entry (grp, quantity, instant, key, properties, ordinal)
    WHERE letters IS NULL OR letters[ordinal] = 'r'`;
}

/**
 * Claims the keys of the entries that are to be recorded ('r'; all of them where `letters` is null). Answers null
 * when every key was new, else a letter for each entry: keys that were there already, or come twice, are duplicates or
 * conflicts.
 */
export function claimKeysFunction(schema: string): string {
  return `
  CREATE FUNCTION ${schema}.claim_keys(
    p_recorded_at bigint, group_accounts text[], group_meters text[], entry_groups integer[], entry_keys text[],
    entry_contents text[], letters text[]
  ) RETURNS text[] LANGUAGE plpgsql AS $$
  #variable_conflict use_column
  DECLARE
    keyed integer;
    claimed integer;
  BEGIN
    IF letters IS NULL THEN
      keyed := cardinality(entry_keys) - coalesce(cardinality(array_positions(entry_keys, NULL)), 0);
    ELSE
      SELECT count(*) INTO keyed FROM unnest(entry_keys) WITH ORDINALITY AS entry (key, ordinal)
      WHERE key IS NOT NULL AND letters[ordinal] = 'r';
    END IF;
    INSERT INTO ${schema}.usage_key (idempotency_key, account_id, meter, content, recorded_at)
    SELECT key, group_accounts[grp], group_meters[grp], content, p_recorded_at
    FROM unnest(entry_groups, entry_keys, entry_contents) WITH ORDINALITY AS entry (grp, key, content, ordinal)
    WHERE key IS NOT NULL AND (letters IS NULL OR letters[ordinal] = 'r')
    ORDER BY key COLLATE "C", 2, 3, ordinal
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS claimed = ROW_COUNT;
    IF claimed = keyed THEN RETURN letters; END IF;
    -- What this transaction has written is its own first use of a key.
    RETURN (
      SELECT array_agg(CASE
        WHEN letters IS NOT NULL AND letters[ordinal] <> 'r' THEN letters[ordinal]
        WHEN key IS NULL OR ours AND nth = 1 THEN 'r'
        WHEN known = content THEN 'd' ELSE 'c' END ORDER BY ordinal)
      FROM (
        SELECT ordinal, key, entry.content, claim.content AS known, claim.xmin = pg_current_xact_id()::xid AS ours,
          row_number() OVER (PARTITION BY key, group_accounts[grp], group_meters[grp],
            letters IS NULL OR letters[ordinal] = 'r' ORDER BY ordinal) AS nth
        FROM unnest(entry_groups, entry_keys, entry_contents) WITH ORDINALITY AS entry (grp, key, content, ordinal)
        LEFT JOIN LATERAL (
          SELECT content, xmin FROM ${schema}.usage_key AS claim
          WHERE claim.idempotency_key = entry.key AND claim.account_id = group_accounts[grp]
            AND claim.meter = group_meters[grp] LIMIT 1
        ) AS claim ON true
      ) AS looked_up);
  END $$;
  `;
}

/**
 * As `record_usage`, for batches that need a closer look: each entry finds its report by its own instant, and those
 * that find none ('n') or a full one ('f') are left to the caller. The accounts are locked before, so that this one
 * succeeds while reports are sealed all the time: accounts, then keys, then reports, each in order, as everywhere.
 * What adds and what takes away must each fit by itself: then it fits whichever of them turn out to be duplicates.
 */
export function recordUsageByInstantFunction(schema: string): string {
  return `
  CREATE FUNCTION ${schema}.record_usage_by_instant(
    p_flush_id uuid, p_recorded_at bigint,
    group_accounts text[], group_meters text[], group_reports integer[], group_instants bigint[],
    entry_groups integer[], entry_quantities bigint[], entry_instants bigint[], entry_keys text[],
    entry_contents text[], entry_properties text[]
  ) RETURNS text LANGUAGE plpgsql ${IN_ORDER} AS $$
  #variable_conflict use_column
  DECLARE
    reports integer[];
    ends bigint[];
    quantities bigint[];
    letters text[];
    total record;
    answer text;
  BEGIN
    -- Waits for whoever is sealing reports, and keeps others from it.
    PERFORM FROM ${schema}.account WHERE account_id = ANY (group_accounts) ORDER BY account_id FOR SHARE;
    SELECT array_agg(report_id), array_agg(billing_period_end), array_agg(quantity)
    INTO reports, ends, quantities
    FROM (
      SELECT report.report_id, report.billing_period_end, report.quantity
      FROM unnest(group_accounts, group_meters, group_reports, group_instants) WITH ORDINALITY
        AS wanted (account_id, meter, report_id, instant, ordinal)
      LEFT JOIN LATERAL (
        SELECT report_id, billing_period_end, quantity FROM ${schema}.usage AS report
        WHERE report.account_id = wanted.account_id AND report.meter = wanted.meter
          AND (${OPEN_START}) > -9007199254740992
          AND (report.report_id = wanted.report_id OR wanted.report_id IS NULL
            AND report.billing_period_start <= wanted.instant AND report.billing_period_end > wanted.instant)
        ORDER BY report.billing_period_start DESC LIMIT 1
      ) AS report ON true
      ORDER BY ordinal
    ) AS routed;
    SELECT array_agg(CASE WHEN report_id IS NULL THEN 'n' WHEN abs(held + running) > 999999999999999 THEN 'f' ELSE 'r' END
      ORDER BY ordinal)
    INTO letters
    FROM (
      SELECT ordinal, reports[grp] AS report_id, quantities[grp] AS held, sum(quantity) OVER (
        PARTITION BY group_accounts[grp], group_meters[grp], reports[grp], sign(quantity) ORDER BY ordinal) AS running
      FROM unnest(entry_groups, entry_quantities) WITH ORDINALITY AS entry (grp, quantity, ordinal)
    ) AS fitted;
    IF entry_keys IS NOT NULL THEN
      letters := ${schema}.claim_keys(p_recorded_at, group_accounts, group_meters, entry_groups, entry_keys,
        entry_contents, letters);
    END IF;

    FOR total IN
      SELECT group_accounts[grp] COLLATE "C" AS account_id, group_meters[grp] COLLATE "C" AS meter,
        reports[grp] AS report_id, sum(quantity)::bigint AS quantity, min(occurred_at) AS first_occurred_at,
        max(occurred_at) AS last_occurred_at
      FROM (
        SELECT grp, quantity, least(coalesce(instant, p_recorded_at), ends[grp] - 1) AS occurred_at
        FROM unnest(entry_groups, entry_quantities, entry_instants) WITH ORDINALITY
          AS entry (grp, quantity, instant, ordinal)
        WHERE letters[ordinal] = 'r'
      ) AS counted
      GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    LOOP
      UPDATE ${schema}.usage AS report SET quantity = report.quantity + total.quantity,
        first_occurred_at = least(report.first_occurred_at, total.first_occurred_at),
        last_occurred_at = greatest(report.last_occurred_at, total.last_occurred_at)
      WHERE report.account_id = total.account_id AND report.meter = total.meter
        AND report.report_id = total.report_id AND report.status = 'open'
        AND report.quantity + total.quantity BETWEEN -999999999999999 AND 999999999999999;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'tallybook: a report was sealed meanwhile' USING ERRCODE = 'TB001';
      END IF;
    END LOOP;
    ${insertEvents(schema)};
    answer := rtrim(array_to_string(letters, ''), 'r');
    INSERT INTO ${schema}.usage_flush (flush_id, outcomes) VALUES (p_flush_id, answer);
    RETURN answer;
  END $$;
  `;
}

/**
 * The quantity of an account and meter that was used in a range and is in no report yet. A function, so that its plan
 * over all months is made once per connection.
 */
export function unassignedUsageFunction(schema: string): string {
  return `
  CREATE FUNCTION ${schema}.unassigned_usage(
    p_account text, p_meter text, p_start bigint, p_end bigint, p_recorded_from bigint, p_recorded_until bigint
  ) RETURNS numeric LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$ BEGIN
    RETURN (SELECT sum(quantity) FROM ${schema}.usage_event WHERE account_id = p_account AND meter = p_meter
      AND report_id IS NULL AND occurred_at >= p_start AND occurred_at < p_end
      AND recorded_at >= p_recorded_from AND recorded_at < p_recorded_until);
  END $$;
  `;
}

/**
 * One increment in a transaction of the app: the key and the ledger row, no report, so that transactions do not wait
 * for each other on a hot account. The report job's roll-up gives the event its report after the commit.
 */
export function recordInTransactionFunction(schema: string): string {
  return `
  CREATE FUNCTION ${schema}.record_in_transaction(p_recorded_at bigint, entry json) RETURNS text LANGUAGE plpgsql
  SET lock_timeout = '10s' AS $$
  DECLARE
    known text;
  BEGIN
    IF entry->>'idempotency_key' IS NOT NULL THEN
      INSERT INTO ${schema}.usage_key (idempotency_key, account_id, meter, content, recorded_at)
      VALUES (entry->>'idempotency_key', entry->>'account_id', entry->>'meter', entry->>'content', p_recorded_at)
      ON CONFLICT DO NOTHING;
      IF NOT FOUND THEN
        SELECT content INTO known FROM ${schema}.usage_key WHERE idempotency_key = entry->>'idempotency_key'
          AND account_id = entry->>'account_id' AND meter = entry->>'meter';
        RETURN CASE WHEN known = entry->>'content' THEN 'd' ELSE 'c' END;
      END IF;
    END IF;
    INSERT INTO ${schema}.usage_event (account_id, meter, quantity, occurred_at, recorded_at, idempotency_key, properties)
    VALUES (entry->>'account_id', entry->>'meter', (entry->>'quantity')::bigint,
      coalesce((entry->>'occurred_at')::bigint, p_recorded_at), p_recorded_at, entry->>'idempotency_key',
      entry->>'properties');
    RETURN 'r';
  END $$;
  `;
}
