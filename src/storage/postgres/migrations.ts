import {
  claimKeysFunction,
  OPEN_START,
  recordInTransactionFunction,
  recordOneFunction,
  recordUsageByInstantFunction,
  recordUsageFunction,
  unassignedUsageFunction,
} from './functions.ts';

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
    sync_due_at bigint,
    change_requested_at bigint
  );

  CREATE INDEX account_sync_due ON ${schema}.account (sync_due_at) WHERE sync_due_at IS NOT NULL;

  CREATE TABLE ${schema}.subscription (
    account_id text COLLATE "C" NOT NULL REFERENCES ${schema}.account,
    stripe_subscription_item text COLLATE "C" NOT NULL,
    stripe_subscription text COLLATE "C" NOT NULL,
    meter text COLLATE "C" NOT NULL,
    stripe_price text COLLATE "C" NOT NULL,
    price text NOT NULL,
    anchor bigint NOT NULL,
    "interval" text NOT NULL CHECK ("interval" IN ('day', 'week', 'month', 'year')),
    interval_count integer NOT NULL CHECK (interval_count > 0),
    started_at bigint NOT NULL,
    billed_from bigint NOT NULL,
    trial_end bigint,
    ended_at bigint,
    current_period_start bigint NOT NULL,
    current_period_end bigint NOT NULL CHECK (current_period_end > current_period_start),
    PRIMARY KEY (account_id, stripe_subscription_item, billed_from)
  );

  CREATE TABLE ${schema}.stripe_subscription (
    account_id text COLLATE "C" NOT NULL REFERENCES ${schema}.account,
    stripe_subscription text COLLATE "C" NOT NULL,
    status text NOT NULL CHECK (status IN ('trialing', 'active', 'past_due', 'unpaid', 'paused', 'incomplete',
      'incomplete_expired', 'canceled')),
    billing_mode text NOT NULL CHECK (billing_mode IN ('flexible', 'classic')),
    currency text NOT NULL,
    plan text COLLATE "C",
    "interval" text CHECK ("interval" IN ('day', 'week', 'month', 'year')),
    seats bigint CHECK (seats >= 0),
    created_at bigint NOT NULL,
    trial_end bigint,
    cancel_at_period_end boolean NOT NULL,
    cancel_at bigint,
    ended_at bigint,
    current_period_start bigint,
    current_period_end bigint CHECK (current_period_end > current_period_start),
    action text CHECK (action IN ('pay', 'confirm')),
    hosted_invoice_url text,
    PRIMARY KEY (account_id, stripe_subscription)
  );

  -- Adding usage changes no column that is in an index: with room left in its page a report is updated in place (HOT).
  -- Reports are opened under a lock of their account, which is never deleted: a foreign key would check that again, for a
  -- third of what opening a report costs.
  CREATE TABLE ${schema}.usage (
    account_id text COLLATE "C" NOT NULL,
    meter text COLLATE "C" NOT NULL,
    report_id integer NOT NULL,
    status text COLLATE "C" NOT NULL DEFAULT 'open',
    reason text,
    reported boolean NOT NULL GENERATED ALWAYS AS (reported_at IS NOT NULL) STORED,
    late boolean NOT NULL,
    period_start bigint NOT NULL,
    period_end bigint,
    billing_period_start bigint NOT NULL,
    billing_period_end bigint NOT NULL,
    quantity bigint NOT NULL DEFAULT 0 CHECK (quantity BETWEEN -999999999999999 AND 999999999999999),
    first_occurred_at bigint,
    last_occurred_at bigint,
    stripe_customer text COLLATE "C",
    identifier text COLLATE "C",
    slot bigint,
    slot_shared boolean NOT NULL DEFAULT false,
    generation integer NOT NULL DEFAULT 1,
    attempts integer NOT NULL DEFAULT 0,
    first_attempt_at bigint,
    reported_at bigint,
    verified_at bigint,
    pending_since bigint,
    due_at bigint,
    last_error text,
    PRIMARY KEY (account_id, meter, report_id),
    CHECK ((first_occurred_at IS NULL) = (last_occurred_at IS NULL) AND first_occurred_at <= last_occurred_at)
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
  -- What waits for a person, across accounts.
  CREATE INDEX usage_attention ON ${schema}.usage (status, account_id, meter, report_id)
    WHERE status IN ('held', 'failed');
  CREATE UNIQUE INDEX usage_identifier ON ${schema}.usage (identifier) WHERE identifier IS NOT NULL;
  CREATE UNIQUE INDEX usage_slot ON ${schema}.usage (stripe_customer, meter, (slot / 60000))
    WHERE slot IS NOT NULL AND NOT slot_shared;
  -- What else is stamped near a report, shared or not: looked up before every send.
  CREATE INDEX usage_stamped ON ${schema}.usage (stripe_customer, meter, slot) WHERE slot IS NOT NULL;

  CREATE FUNCTION ${schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'tallybook: %', TG_ARGV[0];
  END $$;

  CREATE TRIGGER account_no_delete BEFORE DELETE ON ${schema}.account
  FOR EACH ROW EXECUTE FUNCTION ${schema}.refuse('accounts are never deleted');
  CREATE TRIGGER account_no_truncate BEFORE TRUNCATE ON ${schema}.account
  FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.refuse('accounts are never deleted');

  -- What a row may be, but for what usage adds to. Not as constraints: the server would read and evaluate all of them anew
  -- for every increment, nearly a third of what a lone one takes there. One that changes none of these columns fires nothing.
  CREATE TRIGGER usage_state AFTER INSERT OR UPDATE OF report_id, status, reason, period_start, period_end,
    billing_period_start, billing_period_end, stripe_customer, identifier, slot, slot_shared, generation, attempts,
    first_attempt_at, reported_at, verified_at ON ${schema}.usage
  FOR EACH ROW WHEN (NOT (
    NEW.report_id > 0 AND NEW.generation > 0 AND NEW.attempts >= 0
    AND NEW.status IN ('open', 'closed', 'sending', 'reported', 'failed', 'held', 'voided', 'not_billable')
    AND NEW.period_start % 1000 = 0 AND NEW.period_end % 1000 = 0 AND NEW.period_start < NEW.period_end
    AND NEW.billing_period_start <= NEW.period_start
    AND coalesce(NEW.period_end, NEW.period_start) <= NEW.billing_period_end
    AND ((NEW.period_end IS NULL) = (NEW.status = 'open') OR NEW.status = 'voided')
    AND (NEW.status NOT IN ('sending', 'reported', 'failed') OR (NEW.stripe_customer IS NOT NULL
      AND NEW.identifier IS NOT NULL AND NEW.slot IS NOT NULL AND NEW.attempts > 0
      AND NEW.first_attempt_at IS NOT NULL))
    AND (NEW.slot IS NULL OR (NEW.slot >= NEW.period_start AND (NEW.slot < NEW.period_end OR NEW.slot_shared)))
    AND (NEW.status <> 'reported' OR NEW.reported_at IS NOT NULL)
    AND (NEW.reported_at IS NULL OR NEW.status IN ('reported', 'held', 'not_billable'))
    AND (NEW.verified_at IS NULL OR NEW.status = 'reported')
    AND (NEW.status <> 'not_billable' OR NEW.reason IS NOT NULL)))
  EXECUTE FUNCTION ${schema}.refuse('a report that cannot be');

  -- After the update, and none before it: for one before, the server would lock and log each report once more.
  CREATE TRIGGER usage_sealed AFTER UPDATE OF account_id, meter, report_id, late, quantity, period_start, period_end,
    billing_period_start, billing_period_end, first_occurred_at, last_occurred_at ON ${schema}.usage
  FOR EACH ROW WHEN (OLD.status <> 'open')
  EXECUTE FUNCTION ${schema}.refuse('a sealed report does not change');

  CREATE TRIGGER usage_identity AFTER UPDATE OF stripe_customer, identifier, slot ON ${schema}.usage
  FOR EACH ROW WHEN (OLD.identifier IS NOT NULL AND OLD.generation = NEW.generation
    AND (OLD.stripe_customer IS DISTINCT FROM NEW.stripe_customer OR OLD.slot IS DISTINCT FROM NEW.slot
      OR OLD.identifier IS DISTINCT FROM NEW.identifier))
  EXECUTE FUNCTION ${schema}.refuse('a report that was sent keeps its identifier, customer and slot');

  CREATE TRIGGER usage_transition AFTER UPDATE OF status ON ${schema}.usage
  FOR EACH ROW WHEN (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
    ('open', 'closed'), ('open', 'voided'),
    ('closed', 'sending'), ('closed', 'not_billable'), ('closed', 'held'), ('closed', 'voided'),
    ('sending', 'reported'), ('sending', 'failed'), ('sending', 'held'),
    ('reported', 'held'), ('reported', 'failed'),
    ('held', 'closed'), ('held', 'reported'), ('held', 'failed'), ('held', 'not_billable'),
    ('failed', 'closed'), ('failed', 'not_billable'), ('not_billable', 'voided')))
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
  CREATE TRIGGER usage_overlap_update AFTER UPDATE OF period_start, period_end, billing_period_end
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

  -- Changes of subscriptions, in their order; one of an account at a time is under way, which due_at shows.
  CREATE TABLE ${schema}.subscription_change (
    account_id text COLLATE "C" NOT NULL REFERENCES ${schema}.account,
    change_id integer NOT NULL CHECK (change_id > 0),
    kind text NOT NULL CHECK (kind IN ('plan', 'cancel', 'seats')),
    status text NOT NULL CHECK (status IN ('flushing', 'applying', 'done', 'failed')),
    stripe_subscription text COLLATE "C" NOT NULL,
    plan text COLLATE "C",
    "interval" text,
    seats integer CHECK (seats > 0),
    requested_at bigint NOT NULL CHECK (requested_at % 1000 = 0),
    changed_at bigint,
    attempts integer NOT NULL CHECK (attempts >= 0),
    kept_failures integer NOT NULL CHECK (kept_failures BETWEEN 0 AND attempts),
    proration_date bigint,
    due_at bigint,
    error_code text,
    last_error text,
    PRIMARY KEY (account_id, change_id),
    CHECK ((due_at IS NULL) = (status IN ('done', 'failed'))),
    CHECK ((changed_at IS NULL) = (status <> 'done'))
  );

  CREATE UNIQUE INDEX subscription_change_pending ON ${schema}.subscription_change (account_id)
    WHERE due_at IS NOT NULL;
  CREATE INDEX subscription_change_due ON ${schema}.subscription_change (due_at) WHERE due_at IS NOT NULL;

  -- What persons decided of reports, and why; acknowledged = what Stripe counted beyond this database.
  CREATE TABLE ${schema}.decision (
    account_id text COLLATE "C" NOT NULL,
    meter text COLLATE "C" NOT NULL,
    report_id integer NOT NULL,
    decision_id integer NOT NULL CHECK (decision_id > 0),
    at bigint NOT NULL,
    action text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL CHECK (length(reason) > 0),
    acknowledged bigint NOT NULL DEFAULT 0 CHECK (acknowledged >= 0),
    PRIMARY KEY (account_id, meter, report_id, decision_id),
    FOREIGN KEY (account_id, meter, report_id) REFERENCES ${schema}.usage
  );
  CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE ON ${schema}.decision
  FOR EACH ROW EXECUTE FUNCTION ${schema}.refuse('decisions are append-only');
  CREATE TRIGGER decision_no_truncate BEFORE TRUNCATE ON ${schema}.decision
  FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.refuse('decisions are append-only');

  -- What persons let an invoice item bill, because a change made elsewhere left it off the invoice; written before it is made.
  CREATE TABLE ${schema}.unflushed_bill (
    account_id text COLLATE "C" NOT NULL REFERENCES ${schema}.account,
    meter text COLLATE "C" NOT NULL,
    period_start bigint NOT NULL,
    bill_id integer NOT NULL CHECK (bill_id > 0),
    period_end bigint NOT NULL CHECK (period_end > period_start),
    stripe_customer text COLLATE "C" NOT NULL,
    quantity bigint CHECK (quantity > 0),
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    description text NOT NULL,
    billed_at bigint NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL CHECK (length(reason) > 0),
    PRIMARY KEY (account_id, meter, period_start, bill_id)
  );
  CREATE TRIGGER unflushed_bill_append_only BEFORE UPDATE OR DELETE ON ${schema}.unflushed_bill
  FOR EACH ROW EXECUTE FUNCTION ${schema}.refuse('bills are append-only');
  CREATE TRIGGER unflushed_bill_no_truncate BEFORE TRUNCATE ON ${schema}.unflushed_bill
  FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.refuse('bills are append-only');

  -- The tables below belong to the installation, not to an account.
  CREATE TABLE ${schema}.usage_flush (
    flush_id uuid NOT NULL PRIMARY KEY,
    outcomes text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX usage_flush_written ON ${schema}.usage_flush USING brin (written_at);

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
    stripe_customer text COLLATE "C",
    object_id text COLLATE "C",
    created_at bigint NOT NULL,
    received_at bigint NOT NULL,
    status text COLLATE "C" NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'handled', 'parked')),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    due_at bigint,
    handled_at bigint,
    last_error text,
    CHECK ((due_at IS NOT NULL) = (status = 'pending')),
    CHECK ((handled_at IS NOT NULL) = (status = 'handled'))
  );

  CREATE INDEX webhook_event_due ON ${schema}.webhook_event (due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX webhook_event_handled ON ${schema}.webhook_event (handled_at) WHERE handled_at IS NOT NULL;
  CREATE INDEX webhook_event_subscription ON ${schema}.webhook_event (object_id, received_at);

  -- Keys of the HTTP API: only a digest of each.
  CREATE TABLE ${schema}.api_key (
    api_key_id text COLLATE "C" NOT NULL PRIMARY KEY,
    name text,
    scopes text NOT NULL CHECK (scopes IN ('read', 'write', 'read,write', 'admin')),
    account_id text COLLATE "C",
    secret_sha256 text COLLATE "C" NOT NULL UNIQUE CHECK (length(secret_sha256) = 64),
    created_at bigint NOT NULL,
    expires_at bigint,
    revoked_at bigint,
    last_used_at bigint
  );
  CREATE TRIGGER api_key_identity BEFORE UPDATE OF api_key_id, scopes, account_id, secret_sha256, created_at
  ON ${schema}.api_key FOR EACH ROW EXECUTE FUNCTION ${schema}.refuse('a key does not change');
  CREATE TRIGGER api_key_revoked BEFORE UPDATE OF revoked_at ON ${schema}.api_key
  FOR EACH ROW WHEN (OLD.revoked_at IS NOT NULL) EXECUTE FUNCTION ${schema}.refuse('a revoked key stays revoked');

  CREATE TABLE ${schema}.access_action (
    action_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,
    action text NOT NULL CHECK (action IN ('key_created', 'key_rotated', 'key_revoked', 'tokens_revoked')),
    subject text COLLATE "C" NOT NULL,
    actor text NOT NULL
  );
  CREATE TRIGGER access_action_append_only BEFORE UPDATE OR DELETE ON ${schema}.access_action
  FOR EACH ROW EXECUTE FUNCTION ${schema}.refuse('what was done about keys is append-only');
  CREATE TRIGGER access_action_no_truncate BEFORE TRUNCATE ON ${schema}.access_action
  FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.refuse('what was done about keys is append-only');

  -- Browser tokens that were called back before their end; rows are forgotten with the last token they concern.
  CREATE TABLE ${schema}.token_revocation (
    account_id text COLLATE "C" NOT NULL,
    token_id text COLLATE "C" NOT NULL,
    revoked_at bigint NOT NULL,
    forget_at bigint NOT NULL,
    PRIMARY KEY (account_id, token_id)
  );
  CREATE INDEX token_revocation_forget ON ${schema}.token_revocation (forget_at);

  ${claimKeysFunction(schema)}
  ${recordUsageFunction(schema)}
  ${recordUsageByInstantFunction(schema)}
  ${recordOneFunction(schema)}
  ${recordInTransactionFunction(schema)}
  ${unassignedUsageFunction(schema)}
  `,
];
