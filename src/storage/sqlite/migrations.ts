/**
 * Numbered from 1, forward only, never edited once released. Each runs in one transaction with its row in
 * `migration`. The names and meanings of tables and columns are those of `../schema.ts`.
 */
export const SQLITE_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE account (
    account_id TEXT NOT NULL PRIMARY KEY,
    plan TEXT,
    stripe_customer TEXT UNIQUE,
    created_at INTEGER NOT NULL CHECK (created_at % 1000 = 0),
    synced_at INTEGER,
    sync_due_at INTEGER,
    change_requested_at INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX account_sync_due ON account (sync_due_at) WHERE sync_due_at IS NOT NULL;

  CREATE TABLE subscription (
    account_id TEXT NOT NULL REFERENCES account,
    stripe_subscription_item TEXT NOT NULL,
    stripe_subscription TEXT NOT NULL,
    meter TEXT NOT NULL,
    stripe_price TEXT NOT NULL,
    price TEXT NOT NULL,
    anchor INTEGER NOT NULL,
    "interval" TEXT NOT NULL CHECK ("interval" IN ('day', 'week', 'month', 'year')),
    interval_count INTEGER NOT NULL CHECK (interval_count > 0),
    started_at INTEGER NOT NULL,
    billed_from INTEGER NOT NULL,
    trial_end INTEGER,
    ended_at INTEGER,
    current_period_start INTEGER NOT NULL,
    current_period_end INTEGER NOT NULL CHECK (current_period_end > current_period_start),
    PRIMARY KEY (account_id, stripe_subscription_item, billed_from)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE stripe_subscription (
    account_id TEXT NOT NULL REFERENCES account,
    stripe_subscription TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('trialing', 'active', 'past_due', 'unpaid', 'paused', 'incomplete',
      'incomplete_expired', 'canceled')),
    billing_mode TEXT NOT NULL CHECK (billing_mode IN ('flexible', 'classic')),
    currency TEXT NOT NULL,
    plan TEXT,
    "interval" TEXT CHECK ("interval" IN ('day', 'week', 'month', 'year')),
    seats INTEGER CHECK (seats >= 0),
    created_at INTEGER NOT NULL,
    trial_end INTEGER,
    cancel_at_period_end INTEGER NOT NULL CHECK (cancel_at_period_end IN (0, 1)),
    cancel_at INTEGER,
    ended_at INTEGER,
    current_period_start INTEGER,
    current_period_end INTEGER CHECK (current_period_end > current_period_start),
    action TEXT CHECK (action IN ('pay', 'confirm')),
    hosted_invoice_url TEXT,
    PRIMARY KEY (account_id, stripe_subscription)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE usage (
    account_id TEXT NOT NULL REFERENCES account,
    meter TEXT NOT NULL,
    report_id INTEGER NOT NULL CHECK (report_id > 0),
    status TEXT NOT NULL DEFAULT 'open' CHECK (status IN
      ('open', 'closed', 'sending', 'reported', 'failed', 'held', 'voided', 'not_billable')),
    reason TEXT,
    reported INTEGER NOT NULL GENERATED ALWAYS AS (reported_at IS NOT NULL) VIRTUAL,
    late INTEGER NOT NULL CHECK (late IN (0, 1)),
    period_start INTEGER NOT NULL CHECK (period_start % 1000 = 0),
    period_end INTEGER CHECK (period_end % 1000 = 0),
    billing_period_start INTEGER NOT NULL,
    billing_period_end INTEGER NOT NULL,
    quantity INTEGER NOT NULL DEFAULT 0 CHECK (quantity BETWEEN -999999999999999 AND 999999999999999),
    first_occurred_at INTEGER,
    last_occurred_at INTEGER,
    last_event_id INTEGER,
    stripe_customer TEXT,
    identifier TEXT,
    slot INTEGER,
    slot_shared INTEGER NOT NULL DEFAULT 0 CHECK (slot_shared IN (0, 1)),
    generation INTEGER NOT NULL DEFAULT 1 CHECK (generation > 0),
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    first_attempt_at INTEGER,
    reported_at INTEGER,
    verified_at INTEGER,
    pending_since INTEGER,
    due_at INTEGER,
    last_error TEXT,
    PRIMARY KEY (account_id, meter, report_id),
    CHECK (period_start < period_end),
    CHECK (billing_period_start <= period_start AND coalesce(period_end, period_start) <= billing_period_end),
    CHECK ((period_end IS NULL) = (status = 'open') OR status = 'voided'),
    CHECK ((first_occurred_at IS NULL) = (last_occurred_at IS NULL) AND first_occurred_at <= last_occurred_at),
    CHECK ((first_occurred_at IS NULL) = (last_event_id IS NULL)),
    CHECK (status NOT IN ('sending', 'reported', 'failed') OR (stripe_customer IS NOT NULL
      AND identifier IS NOT NULL AND slot IS NOT NULL AND attempts > 0 AND first_attempt_at IS NOT NULL)),
    CHECK (slot IS NULL OR (slot >= period_start AND (slot < period_end OR slot_shared = 1))),
    CHECK (status <> 'reported' OR reported_at IS NOT NULL),
    CHECK (reported_at IS NULL OR status IN ('reported', 'held', 'not_billable')),
    CHECK (verified_at IS NULL OR status = 'reported'),
    CHECK (status <> 'not_billable' OR reason IS NOT NULL)
  ) STRICT, WITHOUT ROWID;

  -- I3: one open report per account, meter and billing period; also how an increment finds its report.
  CREATE UNIQUE INDEX usage_open ON usage (account_id, meter, billing_period_start) WHERE status = 'open';
  CREATE INDEX usage_period ON usage (account_id, meter, period_start);
  -- These two are scanned by the report job across accounts.
  CREATE INDEX usage_open_end ON usage (billing_period_end) WHERE status = 'open';
  CREATE INDEX usage_due ON usage (account_id, due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX usage_due_at ON usage (due_at) WHERE due_at IS NOT NULL;
  -- What waits for a person, across accounts.
  CREATE INDEX usage_attention ON usage (status, account_id, meter, report_id) WHERE status IN ('held', 'failed');
  CREATE UNIQUE INDEX usage_identifier ON usage (identifier) WHERE identifier IS NOT NULL;
  CREATE UNIQUE INDEX usage_slot ON usage (stripe_customer, meter, slot / 60000)
    WHERE slot IS NOT NULL AND slot_shared = 0;
  -- What else is stamped near a report, shared or not: looked up before every send.
  CREATE INDEX usage_stamped ON usage (stripe_customer, meter, slot) WHERE slot IS NOT NULL;

  CREATE TRIGGER usage_sealed AFTER UPDATE OF account_id, meter, report_id, late, quantity, period_start, period_end,
    billing_period_start, billing_period_end, first_occurred_at, last_occurred_at, last_event_id ON usage
  WHEN OLD.status <> 'open' BEGIN
    SELECT RAISE(ABORT, 'tallybook: a sealed report does not change');
  END;

  CREATE TRIGGER usage_identity BEFORE UPDATE OF stripe_customer, identifier, slot ON usage
  WHEN OLD.identifier IS NOT NULL AND OLD.generation = NEW.generation
    AND (OLD.stripe_customer IS NOT NEW.stripe_customer OR OLD.slot IS NOT NEW.slot OR OLD.identifier IS NOT NEW.identifier)
  BEGIN
    SELECT RAISE(ABORT, 'tallybook: a report that was sent keeps its identifier, customer and slot');
  END;

  CREATE TRIGGER usage_transition BEFORE UPDATE OF status ON usage
  WHEN OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (VALUES
    ('open', 'closed'), ('open', 'voided'),
    ('closed', 'sending'), ('closed', 'not_billable'), ('closed', 'held'), ('closed', 'voided'),
    ('sending', 'reported'), ('sending', 'failed'), ('sending', 'held'),
    ('reported', 'held'), ('reported', 'failed'),
    ('held', 'closed'), ('held', 'reported'), ('held', 'failed'), ('held', 'not_billable'),
    ('failed', 'closed'), ('failed', 'not_billable'), ('not_billable', 'voided'))
  BEGIN
    SELECT RAISE(ABORT, 'tallybook: illegal transition of a report');
  END;

  CREATE TRIGGER usage_no_delete BEFORE DELETE ON usage BEGIN
    SELECT RAISE(ABORT, 'tallybook: reports are never deleted');
  END;

  -- I4: regular reports never overlap. They do not overlap before this row, so its two neighbours decide.
  CREATE TRIGGER usage_overlap_insert BEFORE INSERT ON usage WHEN NEW.late = 0 AND (
    NEW.period_start < (SELECT coalesce(period_end, billing_period_end) FROM usage
      WHERE account_id = NEW.account_id AND meter = NEW.meter AND period_start <= NEW.period_start
        AND late = 0 AND status <> 'voided' ORDER BY period_start DESC LIMIT 1)
    OR EXISTS (SELECT 1 FROM usage
      WHERE account_id = NEW.account_id AND meter = NEW.meter AND period_start > NEW.period_start
        AND period_start < coalesce(NEW.period_end, NEW.billing_period_end) AND late = 0 AND status <> 'voided'))
  BEGIN
    SELECT RAISE(ABORT, 'tallybook: regular reports do not overlap');
  END;

  CREATE TRIGGER usage_overlap_update BEFORE UPDATE OF period_start, period_end, billing_period_end ON usage
  WHEN NEW.late = 0 AND NEW.status <> 'voided' AND (
    NEW.period_start < (SELECT coalesce(period_end, billing_period_end) FROM usage
      WHERE account_id = NEW.account_id AND meter = NEW.meter AND period_start <= NEW.period_start
        AND report_id <> NEW.report_id AND late = 0 AND status <> 'voided' ORDER BY period_start DESC LIMIT 1)
    OR EXISTS (SELECT 1 FROM usage
      WHERE account_id = NEW.account_id AND meter = NEW.meter AND period_start > NEW.period_start
        AND period_start < coalesce(NEW.period_end, NEW.billing_period_end)
        AND report_id <> NEW.report_id AND late = 0 AND status <> 'voided'))
  BEGIN
    SELECT RAISE(ABORT, 'tallybook: regular reports do not overlap');
  END;

  -- Written at its end only, which is what makes increments of many accounts cheap: an index by account would cost
  -- each of them a page of its own. The events of a report are a chain that begins at its last_event_id.
  CREATE TABLE usage_event (
    event_id INTEGER NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    meter TEXT NOT NULL,
    report_id INTEGER NOT NULL,
    previous_event_id INTEGER CHECK (previous_event_id <> event_id),
    quantity INTEGER NOT NULL CHECK (quantity <> 0),
    occurred_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    idempotency_key TEXT,
    properties TEXT
  ) STRICT;

  -- An event changes its report only while that report is open or has been voided: then it moves as a whole.
  CREATE TRIGGER usage_event_append_only BEFORE UPDATE ON usage_event
  WHEN NEW.event_id <> OLD.event_id OR NEW.account_id <> OLD.account_id OR NEW.meter <> OLD.meter
    OR NEW.quantity <> OLD.quantity OR NEW.occurred_at <> OLD.occurred_at OR NEW.recorded_at <> OLD.recorded_at
    OR NEW.idempotency_key IS NOT OLD.idempotency_key OR NEW.properties IS NOT OLD.properties
    OR NOT EXISTS (SELECT 1 FROM usage WHERE account_id = OLD.account_id AND meter = OLD.meter
      AND report_id = OLD.report_id AND status IN ('open', 'voided'))
  BEGIN
    SELECT RAISE(ABORT, 'tallybook: the ledger is append-only');
  END;

  CREATE TRIGGER usage_event_no_delete BEFORE DELETE ON usage_event BEGIN
    SELECT RAISE(ABORT, 'tallybook: the ledger is append-only');
  END;

  -- The key comes first: keys that ascend in time, as most do, are then written side by side.
  CREATE TABLE usage_key (
    idempotency_key TEXT NOT NULL,
    account_id TEXT NOT NULL,
    meter TEXT NOT NULL,
    content TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (idempotency_key, account_id, meter)
  ) STRICT, WITHOUT ROWID;

  -- Changes of subscriptions, in their order; one of an account at a time is under way, which due_at shows.
  CREATE TABLE subscription_change (
    account_id TEXT NOT NULL REFERENCES account,
    change_id INTEGER NOT NULL CHECK (change_id > 0),
    kind TEXT NOT NULL CHECK (kind IN ('plan', 'cancel', 'seats')),
    status TEXT NOT NULL CHECK (status IN ('flushing', 'applying', 'done', 'failed')),
    stripe_subscription TEXT NOT NULL,
    plan TEXT,
    "interval" TEXT,
    seats INTEGER CHECK (seats > 0),
    requested_at INTEGER NOT NULL CHECK (requested_at % 1000 = 0),
    changed_at INTEGER,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    kept_failures INTEGER NOT NULL CHECK (kept_failures BETWEEN 0 AND attempts),
    proration_date INTEGER,
    due_at INTEGER,
    error_code TEXT,
    last_error TEXT,
    PRIMARY KEY (account_id, change_id),
    CHECK ((due_at IS NULL) = (status IN ('done', 'failed'))),
    CHECK ((changed_at IS NULL) = (status <> 'done'))
  ) STRICT, WITHOUT ROWID;

  CREATE UNIQUE INDEX subscription_change_pending ON subscription_change (account_id) WHERE due_at IS NOT NULL;
  CREATE INDEX subscription_change_due ON subscription_change (due_at) WHERE due_at IS NOT NULL;

  -- What persons decided of reports, and why; acknowledged = what Stripe counted beyond this database.
  CREATE TABLE decision (
    account_id TEXT NOT NULL,
    meter TEXT NOT NULL,
    report_id INTEGER NOT NULL,
    decision_id INTEGER NOT NULL CHECK (decision_id > 0),
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL CHECK (length(reason) > 0),
    acknowledged INTEGER NOT NULL DEFAULT 0 CHECK (acknowledged >= 0),
    PRIMARY KEY (account_id, meter, report_id, decision_id),
    FOREIGN KEY (account_id, meter, report_id) REFERENCES usage
  ) STRICT, WITHOUT ROWID;

  CREATE TRIGGER decision_no_update BEFORE UPDATE ON decision BEGIN
    SELECT RAISE(ABORT, 'tallybook: decisions are append-only');
  END;
  CREATE TRIGGER decision_no_delete BEFORE DELETE ON decision BEGIN
    SELECT RAISE(ABORT, 'tallybook: decisions are append-only');
  END;

  -- What persons let an invoice item bill, because a change made elsewhere left it off the invoice; written before it is made.
  CREATE TABLE unflushed_bill (
    account_id TEXT NOT NULL REFERENCES account,
    meter TEXT NOT NULL,
    period_start INTEGER NOT NULL,
    bill_id INTEGER NOT NULL CHECK (bill_id > 0),
    period_end INTEGER NOT NULL CHECK (period_end > period_start),
    stripe_customer TEXT NOT NULL,
    quantity INTEGER CHECK (quantity > 0),
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    description TEXT NOT NULL,
    billed_at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL CHECK (length(reason) > 0),
    PRIMARY KEY (account_id, meter, period_start, bill_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TRIGGER unflushed_bill_no_update BEFORE UPDATE ON unflushed_bill BEGIN
    SELECT RAISE(ABORT, 'tallybook: bills are append-only');
  END;
  CREATE TRIGGER unflushed_bill_no_delete BEFORE DELETE ON unflushed_bill BEGIN
    SELECT RAISE(ABORT, 'tallybook: bills are append-only');
  END;

  -- The tables below belong to the installation, not to an account.
  CREATE TABLE usage_flush (
    flush_id TEXT NOT NULL PRIMARY KEY,
    outcomes TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE job_lease (
    job TEXT NOT NULL PRIMARY KEY,
    holder TEXT,
    expires_at INTEGER NOT NULL,
    last_run_at INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE webhook_event (
    event_id TEXT NOT NULL PRIMARY KEY,
    type TEXT NOT NULL,
    stripe_customer TEXT,
    object_id TEXT,
    created_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'handled', 'parked')),
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    due_at INTEGER,
    handled_at INTEGER,
    last_error TEXT,
    CHECK ((due_at IS NOT NULL) = (status = 'pending')),
    CHECK ((handled_at IS NOT NULL) = (status = 'handled'))
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX webhook_event_due ON webhook_event (due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX webhook_event_handled ON webhook_event (handled_at) WHERE handled_at IS NOT NULL;
  CREATE INDEX webhook_event_subscription ON webhook_event (object_id, received_at);

  -- Keys of the HTTP API: only a digest of each.
  CREATE TABLE api_key (
    api_key_id TEXT NOT NULL PRIMARY KEY,
    name TEXT,
    scopes TEXT NOT NULL CHECK (scopes IN ('read', 'write', 'read,write', 'admin')),
    account_id TEXT,
    secret_sha256 TEXT NOT NULL UNIQUE CHECK (length(secret_sha256) = 64),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TRIGGER api_key_identity BEFORE UPDATE OF api_key_id, scopes, account_id, secret_sha256, created_at ON api_key BEGIN
    SELECT RAISE(ABORT, 'tallybook: a key does not change');
  END;
  CREATE TRIGGER api_key_revoked BEFORE UPDATE OF revoked_at ON api_key WHEN OLD.revoked_at IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'tallybook: a revoked key stays revoked');
  END;

  CREATE TABLE access_action (
    action_id INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('key_created', 'key_rotated', 'key_revoked', 'tokens_revoked')),
    subject TEXT NOT NULL,
    actor TEXT NOT NULL
  ) STRICT;

  CREATE TRIGGER access_action_no_update BEFORE UPDATE ON access_action BEGIN
    SELECT RAISE(ABORT, 'tallybook: what was done about keys is append-only');
  END;
  CREATE TRIGGER access_action_no_delete BEFORE DELETE ON access_action BEGIN
    SELECT RAISE(ABORT, 'tallybook: what was done about keys is append-only');
  END;

  -- Browser tokens that were called back before their end; rows are forgotten with the last token they concern.
  CREATE TABLE token_revocation (
    account_id TEXT NOT NULL,
    token_id TEXT NOT NULL,
    revoked_at INTEGER NOT NULL,
    forget_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, token_id)
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX token_revocation_forget ON token_revocation (forget_at);
  `,
];
