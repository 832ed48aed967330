/**
 * Numbered from 1, forward only, never edited once released. Each runs in one transaction with its row in
 * `migration`; `schema` is a quoted identifier. The names and meanings of tables and columns are those of
 * `../schema.ts`. Text is compared byte by byte, as in SQLite and in JavaScript's own order of ASCII.
 */
export const POSTGRES_MIGRATIONS: readonly ((schema: string) => string)[] = [
  (schema) => `
  CREATE TABLE ${schema}.account (
    account_id text COLLATE "C" NOT NULL PRIMARY KEY,
    plan text COLLATE "C",
    stripe_customer text COLLATE "C" CONSTRAINT account_stripe_customer UNIQUE,
    created_at bigint NOT NULL CHECK (created_at % 1000 = 0),
    synced_at bigint,
    sync_due_at bigint
  );

  CREATE INDEX account_sync_due ON ${schema}.account (sync_due_at) WHERE sync_due_at IS NOT NULL;

  CREATE TABLE ${schema}.subscription (
    account_id text COLLATE "C" NOT NULL REFERENCES ${schema}.account,
    stripe_subscription_item text COLLATE "C" NOT NULL,
    stripe_subscription text COLLATE "C" NOT NULL,
    meter text COLLATE "C" NOT NULL,
    price text NOT NULL,
    anchor bigint NOT NULL,
    "interval" text NOT NULL CHECK ("interval" IN ('day', 'week', 'month', 'year')),
    interval_count integer NOT NULL CHECK (interval_count > 0),
    started_at bigint NOT NULL,
    trial_end bigint,
    ended_at bigint,
    current_period_start bigint NOT NULL,
    current_period_end bigint NOT NULL CHECK (current_period_end > current_period_start),
    PRIMARY KEY (account_id, stripe_subscription_item)
  );

  -- Adding usage changes no column that is in an index: with room left in its page a report is updated in place (HOT).
  -- Reports are opened under a lock of their account, which is never deleted: a foreign key would check that again, for a
  -- third of what opening a report costs.
  CREATE TABLE ${schema}.usage (
    account_id text COLLATE "C" NOT NULL,
    meter text COLLATE "C" NOT NULL,
    report_id integer NOT NULL CHECK (report_id > 0),
    status text COLLATE "C" NOT NULL DEFAULT 'open' CHECK (status IN
      ('open', 'closed', 'sending', 'reported', 'failed', 'held', 'voided', 'not_billable')),
    reason text,
    reported boolean NOT NULL GENERATED ALWAYS AS (status = 'reported') STORED,
    late boolean NOT NULL,
    period_start bigint NOT NULL CHECK (period_start % 1000 = 0),
    period_end bigint CHECK (period_end % 1000 = 0),
    billing_period_start bigint NOT NULL,
    billing_period_end bigint NOT NULL,
    quantity bigint NOT NULL DEFAULT 0 CHECK (quantity BETWEEN -999999999999999 AND 999999999999999),
    first_occurred_at bigint,
    last_occurred_at bigint,
    stripe_customer text COLLATE "C",
    identifier text COLLATE "C",
    slot bigint,
    slot_shared boolean NOT NULL DEFAULT false,
    generation integer NOT NULL DEFAULT 1 CHECK (generation > 0),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    first_attempt_at bigint,
    reported_at bigint,
    due_at bigint,
    last_error text,
    PRIMARY KEY (account_id, meter, report_id),
    CHECK (period_start < period_end),
    CHECK (billing_period_start <= period_start AND coalesce(period_end, period_start) <= billing_period_end),
    CHECK ((period_end IS NULL) = (status = 'open') OR status = 'voided'),
    CHECK ((first_occurred_at IS NULL) = (last_occurred_at IS NULL) AND first_occurred_at <= last_occurred_at),
    CHECK (status NOT IN ('sending', 'reported', 'failed') OR (stripe_customer IS NOT NULL
      AND identifier IS NOT NULL AND slot IS NOT NULL AND attempts > 0 AND first_attempt_at IS NOT NULL)),
    CHECK (slot IS NULL OR (slot >= period_start AND slot < period_end)),
    CHECK ((reported_at IS NOT NULL) = (status = 'reported')),
    CHECK (status <> 'not_billable' OR reason IS NOT NULL)
  ) WITH (fillfactor = 80);

  -- I3: one open report per account, meter and billing period.
  CREATE UNIQUE INDEX usage_open ON ${schema}.usage (account_id, meter, billing_period_start) WHERE status = 'open';
  -- How an increment finds its report. Not partial: on an empty table the server would choose to read a partial index
  -- from end to end, and keep that plan while the table grows.
  CREATE INDEX usage_open_start ON ${schema}.usage (account_id, meter, (${OPEN_START}));
  CREATE INDEX usage_period ON ${schema}.usage (account_id, meter, period_start);
  -- These two are scanned by the report job across accounts.
  CREATE INDEX usage_open_end ON ${schema}.usage (billing_period_end) WHERE status = 'open';
  CREATE INDEX usage_due ON ${schema}.usage (account_id, due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX usage_due_at ON ${schema}.usage (due_at) WHERE due_at IS NOT NULL;
  CREATE UNIQUE INDEX usage_identifier ON ${schema}.usage (identifier) WHERE identifier IS NOT NULL;
  CREATE UNIQUE INDEX usage_slot ON ${schema}.usage (stripe_customer, meter, (slot / 60000))
    WHERE slot IS NOT NULL AND NOT slot_shared;

  CREATE FUNCTION ${schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'tallybook: %', TG_ARGV[0];
  END $$;

  CREATE TRIGGER account_no_delete BEFORE DELETE ON ${schema}.account
  FOR EACH ROW EXECUTE FUNCTION ${schema}.refuse('accounts are never deleted');
  CREATE TRIGGER account_no_truncate BEFORE TRUNCATE ON ${schema}.account
  FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.refuse('accounts are never deleted');

  CREATE TRIGGER usage_sealed BEFORE UPDATE OF account_id, meter, report_id, late, quantity, period_start, period_end,
    billing_period_start, billing_period_end, first_occurred_at, last_occurred_at ON ${schema}.usage
  FOR EACH ROW WHEN (OLD.status <> 'open')
  EXECUTE FUNCTION ${schema}.refuse('a sealed report does not change');

  CREATE TRIGGER usage_identity BEFORE UPDATE OF stripe_customer, identifier, slot ON ${schema}.usage
  FOR EACH ROW WHEN (OLD.attempts > 0 AND (OLD.stripe_customer IS DISTINCT FROM NEW.stripe_customer
    OR OLD.slot IS DISTINCT FROM NEW.slot
    OR (OLD.identifier IS DISTINCT FROM NEW.identifier AND OLD.generation = NEW.generation)))
  EXECUTE FUNCTION ${schema}.refuse('a report that was sent keeps its identifier, customer and slot');

  CREATE TRIGGER usage_transition BEFORE UPDATE OF status ON ${schema}.usage
  FOR EACH ROW WHEN (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
    ('open', 'closed'), ('open', 'voided'),
    ('closed', 'sending'), ('closed', 'not_billable'), ('closed', 'held'), ('closed', 'voided'),
    ('sending', 'reported'), ('sending', 'failed'), ('sending', 'held'),
    ('held', 'closed'), ('held', 'reported'), ('held', 'failed'),
    ('failed', 'closed'), ('not_billable', 'voided')))
  EXECUTE FUNCTION ${schema}.refuse('illegal transition of a report');

  CREATE TRIGGER usage_no_delete BEFORE DELETE ON ${schema}.usage
  FOR EACH ROW EXECUTE FUNCTION ${schema}.refuse('reports are never deleted');
  CREATE TRIGGER usage_no_truncate BEFORE TRUNCATE ON ${schema}.usage
  FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.refuse('reports are never deleted');

  -- I4: regular reports never overlap. Those that are there do not, so that of all that begin before this one's end
  -- the last also ends last.
  CREATE FUNCTION ${schema}.usage_overlap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.period_start < (SELECT coalesce(period_end, billing_period_end) FROM ${schema}.usage
        WHERE account_id = NEW.account_id AND meter = NEW.meter
          AND period_start < coalesce(NEW.period_end, NEW.billing_period_end)
          AND report_id <> NEW.report_id AND NOT late AND status <> 'voided' ORDER BY period_start DESC LIMIT 1)
    THEN
      RAISE EXCEPTION 'tallybook: regular reports do not overlap';
    END IF;
    RETURN NEW;
  END $$;

  CREATE TRIGGER usage_overlap_insert BEFORE INSERT ON ${schema}.usage
  FOR EACH ROW WHEN (NOT NEW.late) EXECUTE FUNCTION ${schema}.usage_overlap();

  -- A report that becomes shorter overlaps with none.
  CREATE TRIGGER usage_overlap_update BEFORE UPDATE OF period_start, period_end, billing_period_end
    ON ${schema}.usage
  FOR EACH ROW WHEN (NOT NEW.late AND NEW.status <> 'voided' AND (NEW.period_start < OLD.period_start
    OR coalesce(NEW.period_end, NEW.billing_period_end) > coalesce(OLD.period_end, OLD.billing_period_end)))
  EXECUTE FUNCTION ${schema}.usage_overlap();

  CREATE SEQUENCE ${schema}.usage_event_id CACHE 100;

  -- Partitioned by month; the partitions are made ahead. Without a primary key, which every increment would pay for;
  -- updates are rare, so that logical replication identifies a row by all of its columns.
  CREATE TABLE ${schema}.usage_event (
    event_id bigint NOT NULL DEFAULT nextval('${schema}.usage_event_id'),
    account_id text COLLATE "C" NOT NULL,
    meter text COLLATE "C" NOT NULL,
    report_id integer,
    quantity bigint NOT NULL CHECK (quantity <> 0),
    occurred_at bigint NOT NULL,
    recorded_at bigint NOT NULL,
    idempotency_key text COLLATE "C",
    properties text
  ) PARTITION BY RANGE (recorded_at);
  ALTER SEQUENCE ${schema}.usage_event_id OWNED BY ${schema}.usage_event.event_id;

  CREATE INDEX usage_event_report ON ${schema}.usage_event (account_id, meter, report_id) WHERE report_id IS NOT NULL;
  -- Usage recorded in transactions of the app, until it is rolled up.
  CREATE INDEX usage_event_unassigned ON ${schema}.usage_event (account_id, meter) WHERE report_id IS NULL;

  -- An event changes its report only when it has none yet, or while that report is open or has been voided: then it
  -- moves as a whole.
  CREATE FUNCTION ${schema}.usage_event_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.report_id IS NULL OR (OLD.event_id, OLD.account_id, OLD.meter, OLD.quantity, OLD.occurred_at,
        OLD.recorded_at, OLD.idempotency_key, OLD.properties) IS DISTINCT FROM (NEW.event_id, NEW.account_id, NEW.meter,
        NEW.quantity, NEW.occurred_at, NEW.recorded_at, NEW.idempotency_key, NEW.properties)
      OR (OLD.report_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ${schema}.usage WHERE account_id = OLD.account_id
        AND meter = OLD.meter AND report_id = OLD.report_id AND status IN ('open', 'voided')))
    THEN
      RAISE EXCEPTION 'tallybook: the ledger is append-only';
    END IF;
    RETURN NEW;
  END $$;

  CREATE TRIGGER usage_event_append_only BEFORE UPDATE ON ${schema}.usage_event
  FOR EACH ROW EXECUTE FUNCTION ${schema}.usage_event_append_only();
  CREATE TRIGGER usage_event_no_delete BEFORE DELETE ON ${schema}.usage_event
  FOR EACH ROW EXECUTE FUNCTION ${schema}.refuse('the ledger is append-only');
  CREATE TRIGGER usage_event_no_truncate BEFORE TRUNCATE ON ${schema}.usage_event
  FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.refuse('the ledger is append-only');

  -- Not partitioned: a key must be unique across the months. The key comes first: keys that ascend in time, as most do,
  -- are then written side by side.
  CREATE TABLE ${schema}.usage_key (
    idempotency_key text COLLATE "C" NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    meter text COLLATE "C" NOT NULL,
    content text COLLATE "C" NOT NULL,
    recorded_at bigint NOT NULL,
    PRIMARY KEY (idempotency_key, account_id, meter)
  );
  -- For pruning. Rows are appended in the order of time, so that a few bytes per block of pages suffice.
  CREATE INDEX usage_key_recorded ON ${schema}.usage_key USING brin (recorded_at);

  -- The tables below belong to the installation, not to an account.
  CREATE TABLE ${schema}.usage_flush (
    flush_id uuid NOT NULL PRIMARY KEY,
    outcomes text NOT NULL
  );

  -- The months of the ledger; detached_at = since when a month is no longer part of it.
  CREATE TABLE ${schema}.usage_event_month (
    name text COLLATE "C" NOT NULL PRIMARY KEY,
    starts_at bigint NOT NULL,
    ends_at bigint NOT NULL,
    detached_at bigint
  );

  CREATE TABLE ${schema}.job_lease (
    job text COLLATE "C" NOT NULL PRIMARY KEY,
    holder text,
    expires_at bigint NOT NULL,
    last_run_at bigint
  );

  CREATE TABLE ${schema}.webhook_event (
    event_id text COLLATE "C" NOT NULL PRIMARY KEY,
    type text NOT NULL,
    received_at bigint NOT NULL,
    handled_at bigint
  );

  CREATE TABLE ${schema}.api_key (
    api_key_id text COLLATE "C" NOT NULL PRIMARY KEY,
    secret_sha256 text NOT NULL UNIQUE,
    scope text NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
    created_at bigint NOT NULL,
    revoked_at bigint
  );

  ${claimKeysFunction(schema)}
  ${recordUsageFunction(schema)}
  ${recordUsageByInstantFunction(schema)}
  ${recordOneFunction(schema)}
  ${recordInTransactionFunction(schema)}
  ${unassignedUsageFunction(schema)}
  `,
];

/** The start of an open report's billing period, null for others: as the index `usage_open_start` has it. */
const OPEN_START = `CASE WHEN status = 'open' THEN billing_period_start END`;

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
 * `record_usage_by_instant`. That the groups are taken in their order keeps two of these from waiting for each other
 * in a circle.
 */
function recordUsageFunction(schema: string): string {
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
  BEGIN
    IF entry_keys IS NOT NULL THEN
      letters := ${schema}.claim_keys(p_recorded_at, group_accounts, group_meters, entry_groups, entry_keys,
        entry_contents, NULL);
    END IF;
    IF letters IS NULL THEN
      WITH updated AS (
        ${addToReports(schema)}
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
        ${addToReports(schema, 'numbers')}
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

    ${insertEvents(schema)};
    IF letters IS NOT NULL THEN answer := rtrim(array_to_string(letters, ''), 'r'); END IF;
    INSERT INTO ${schema}.usage_flush (flush_id, outcomes) VALUES (p_flush_id, answer);
    RETURN answer;
  END $$;
  `;
}

/**
 * As `record_usage`, for one entry: in one statement, since a lone caller waits for each of them. Where the key was
 * used before or the account has not exactly one open report for the instant, all of it is undone (TB001).
 */
function recordOneFunction(schema: string): string {
  return `
  CREATE FUNCTION ${schema}.record_one(
    p_flush_id uuid, p_recorded_at bigint, p_account text, p_meter text, p_quantity bigint, p_instant bigint,
    p_key text, p_content text, p_properties text
  ) RETURNS text LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
  SET lock_timeout = '5s' AS $$
  DECLARE
    written integer;
  BEGIN
    WITH claimed AS (
      INSERT INTO ${schema}.usage_key (idempotency_key, account_id, meter, content, recorded_at)
      SELECT p_key, p_account, p_meter, p_content, p_recorded_at WHERE p_key IS NOT NULL
      ON CONFLICT DO NOTHING RETURNING recorded_at
    ), updated AS (
      UPDATE ${schema}.usage SET quantity = quantity + p_quantity,
        first_occurred_at = least(first_occurred_at, p_instant, billing_period_end - 1),
        last_occurred_at = greatest(last_occurred_at, least(p_instant, billing_period_end - 1))
      WHERE account_id = p_account AND meter = p_meter AND (${OPEN_START}) <= least(p_instant, p_recorded_at)
        AND billing_period_end > least(p_instant, p_recorded_at)
        AND quantity + p_quantity <= 999999999999999 AND (p_key IS NULL OR EXISTS (SELECT 1 FROM claimed))
      RETURNING report_id, billing_period_end
    ), event AS (
      INSERT INTO ${schema}.usage_event
        (account_id, meter, report_id, quantity, occurred_at, recorded_at, idempotency_key, properties)
      SELECT p_account, p_meter, report_id, p_quantity, least(p_instant, billing_period_end - 1), p_recorded_at, p_key,
        p_properties FROM updated
      RETURNING event_id
    ), flush AS (
      INSERT INTO ${schema}.usage_flush (flush_id, outcomes) VALUES (p_flush_id, '')
    )
    SELECT count(*) INTO written FROM event;
    IF written <> 1 THEN
      RAISE EXCEPTION 'tallybook: not a new key, or not one open report' USING ERRCODE = 'TB001';
    END IF;
    RETURN '';
  END $$;
  `;
}

/**
 * Adds to the one open report whose billing period has all of a group's instants. `ANY (ARRAY[…])` is an equality that
 * leaves the server one way only to join: for each group, look up its report.
 */
function addToReports(schema: string, numbers?: string): string {
  const source = numbers
    ? `unnest(${numbers}, group_quantities, group_firsts, group_lasts) AS total (grp, quantity, first_instant, last_instant)`
    : `unnest(group_quantities, group_firsts, group_lasts) WITH ORDINALITY
          AS total (quantity, first_instant, last_instant, grp)`;
  return `UPDATE ${schema}.usage AS report SET quantity = report.quantity + total.quantity,
          first_occurred_at = least(report.first_occurred_at, total.first_instant, report.billing_period_end - 1),
          last_occurred_at = greatest(report.last_occurred_at, least(total.last_instant, report.billing_period_end - 1))
        FROM ${source}
        WHERE report.account_id = ANY (ARRAY[group_accounts[grp]]) AND report.meter = ANY (ARRAY[group_meters[grp]])
          AND (${OPEN_START}) <= least(total.first_instant, p_recorded_at)
          AND report.billing_period_end > least(total.last_instant, p_recorded_at)
          AND report.quantity + total.quantity <= 999999999999999`;
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
function claimKeysFunction(schema: string): string {
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
 * that find none ('n') or a full one ('f') are left to the caller. The reports are locked before, so that this one
 * succeeds while reports are sealed all the time.
 */
function recordUsageByInstantFunction(schema: string): string {
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
    room bigint[];
    letters text[];
    total record;
    answer text;
  BEGIN
    -- Waits for whoever is sealing a report; a second look then sees the one that was opened after it.
    FOR look IN 1..2 LOOP
      SELECT array_agg(report_id), array_agg(billing_period_end), array_agg(999999999999999 - quantity)
      INTO reports, ends, room
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
          ORDER BY report.billing_period_start DESC LIMIT 1 FOR NO KEY UPDATE
        ) AS report ON true
        ORDER BY ordinal
      ) AS routed;
      EXIT WHEN array_position(reports, NULL) IS NULL;
    END LOOP;
    SELECT array_agg(CASE WHEN report_id IS NULL THEN 'n' WHEN running > free THEN 'f' ELSE 'r' END ORDER BY ordinal)
    INTO letters
    FROM (
      SELECT ordinal, reports[grp] AS report_id, room[grp] AS free, sum(quantity) OVER (
        PARTITION BY group_accounts[grp], group_meters[grp], reports[grp] ORDER BY ordinal) AS running
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
        AND report.quantity + total.quantity <= 999999999999999;
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
function unassignedUsageFunction(schema: string): string {
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
function recordInTransactionFunction(schema: string): string {
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
