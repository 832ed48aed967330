import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Pool } from 'pg';
import { periodAt, type SubscriptionItem } from '../../src/core/billing-period.ts';
import { createUsage, type IncrementParams, UsageError } from '../../src/index.ts';
import { createPostgresStore } from '../../src/storage/postgres/postgres-store.ts';
import { systemEnvironment } from '../../src/system-environment.ts';
import { createFastClock } from './fast-clock.ts';
import { createRandom } from './random.ts';

/** One of several processes that want the same rows at the same time, in every order, and in all ways that there are. */
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    /** Of several, from 1. */
    process: { type: 'string', default: '1' },
    since: { type: 'string', default: '0' },
    seconds: { type: 'string', default: '5' },
  },
});

/** What a process prints at its end. */
export interface ContenderResult {
  /** Units whose calls, and transactions, answered that they were recorded. */
  readonly recorded: number;
  readonly calls: number;
  readonly committed_transactions: number;
  readonly closed_reports: number;
  readonly subscription_changes: number;
  readonly errors: readonly string[];
}

const METERS = ['credits', 'tokens', 'pages'] as const;
type Meter = (typeof METERS)[number];
const ACCOUNTS = 20;
const CALLERS = 3;
const MAX_CALLS_AT_ONCE = 40;
/** As few as that, so that processes meet at the same ones. */
const KEYS = 50_000;
/** Two of them and a bit more are too much for one report, which is then sealed and followed by another. */
const BIG_QUANTITY = 400_000_000_000_000;
/** Few enough for the sum of all to be exact. */
const BIG_CALLS = 5;
const MAX_AGE_MS = 30 * 86_400_000;
/** At most a day in a second, and in all so few that no key is forgotten and no month of the ledger is missing. */
const CLOCK_SPEED = Math.min(86_400, (30 * 86_400) / Number(values.seconds));
const PRICE = { currency: 'usd', unit_amount_decimal: '1' };

const startedAt = performance.now();
const endsAt = startedAt + Number(values.seconds) * 1_000;
/** On a busy machine a process goes on, up to this long, until it has done so much. */
const LEAST_CALLS = 400;
const LEAST_CHANGES = 8;
const LONGEST_MS = 30_000;
const random = createRandom(Number(values.seed) * 1_000 + Number(values.process));
const clock = createFastClock({
  start: Date.UTC(2026, 0, 10),
  since: Number(values.since),
  speed: CLOCK_SPEED,
});
const pool = new Pool({ connectionString: values.url });
const usage = createUsage({
  database: pool,
  meters: { credits: {}, tokens: {}, pages: {} },
  environment: { clock },
  onError: () => {},
});
const store = createPostgresStore({
  server: { pool },
  environment: { ...systemEnvironment(), clock },
});
const errors: string[] = [];
let bigCallsLeft = BIG_CALLS;
const counts = {
  recorded: 0,
  calls: 0,
  committed_transactions: 0,
  closed_reports: 0,
  subscription_changes: 0,
};

await Promise.all([
  ...Array.from({ length: CALLERS }, () => repeat(callAtOnce)),
  repeat(callInTransaction),
  repeat(closeReports),
  repeat(changeSubscription),
]);
await usage.close();
await pool.end();
console.log(JSON.stringify({ ...counts, errors } satisfies ContenderResult));

async function repeat(run: () => Promise<void>): Promise<void> {
  while (performance.now() < endsAt || (!isDone() && performance.now() < startedAt + LONGEST_MS)) {
    await run().catch((error: unknown) => errors.push(describe(error)));
  }
}

function isDone(): boolean {
  const { calls, committed_transactions, closed_reports, subscription_changes } = counts;
  return (
    calls > LEAST_CALLS &&
    Math.min(committed_transactions, closed_reports, subscription_changes) > LEAST_CHANGES
  );
}

function describe(error: unknown): string {
  return error instanceof UsageError ? `${error.code}: ${String(error.cause)}` : String(error);
}

function pick(count: number): number {
  return Math.floor(random() * count);
}

async function callAtOnce(): Promise<void> {
  const calls = Array.from({ length: 1 + pick(MAX_CALLS_AT_ONCE) }, call);
  const results = await Promise.allSettled(calls.map((params) => usage.increment(params)));
  counts.calls += calls.length;
  for (const [index, result] of results.entries()) {
    if (result.status === 'rejected') errors.push(describe(result.reason));
    else if (result.value.recorded) counts.recorded += calls[index]?.quantity ?? 0;
  }
}

/** Some with a key that the other processes use for the same, some with a timestamp in another billing period. */
function call(): IncrementParams<Meter> & { readonly meter: Meter; readonly quantity: number } {
  const number = pick(KEYS);
  const meter = METERS[number % METERS.length] ?? 'credits';
  const target = { account: `acct_${number % ACCOUNTS}`, meter };
  if (pick(3) === 0) return { ...target, quantity: 1 + (number % 100), idempotency_key: `k${number}` };
  if (bigCallsLeft > 0 && pick(100) === 0) {
    bigCallsLeft -= 1;
    return { account: 'acct_0', meter: 'credits', quantity: BIG_QUANTITY };
  }
  const quantity = 1 + pick(100);
  if (pick(50) > 0) return { ...target, quantity };
  return { ...target, quantity, timestamp: new Date(clock.now() - pick(MAX_AGE_MS)) };
}

/** Keys of their own: an app that uses one key in two transactions in two orders makes them wait in a circle itself. */
async function callInTransaction(): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    let recorded = 0;
    for (let calls = 1 + pick(4); calls > 0; calls -= 1) {
      const params = { ...call(), idempotency_key: `t${values.process}.${clock.now()}.${calls}` };
      await usage.increment(params, { transaction: client });
      recorded += params.quantity;
    }
    await sleep(pick(5));
    const isKept = pick(4) > 0;
    await client.query(isKept ? 'COMMIT' : 'ROLLBACK');
    if (!isKept) return;
    counts.recorded += recorded;
    counts.committed_transactions += 1;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

async function closeReports(): Promise<void> {
  counts.closed_reports += (await usage.report()).closed;
  await sleep(pick(50));
}

/** What Stripe bills by begins, and ends, somewhere else than known until now: usage moves. */
async function changeSubscription(): Promise<void> {
  const account_id = `acct_${pick(ACCOUNTS)}`;
  const stripe_customer = `cus_${account_id}`;
  await usage.accounts.set({ account: account_id, stripe_customer });
  const now = clock.now();
  const meters = METERS.filter(() => pick(2) === 0);
  const items = meters.map((meter) => itemOf(account_id, meter, now - pick(MAX_AGE_MS)));
  await store.setSubscriptionItems({ account_id, stripe_customer, items, sync_due_at: null, now });
  counts.subscription_changes += 1;
  await sleep(pick(500));
}

function itemOf(account_id: string, meter: string, start: number): SubscriptionItem {
  const started_at = start - (start % 1_000);
  const interval = (['day', 'week', 'month'] as const)[pick(3)] ?? 'day';
  const recurrence = { anchor: started_at, interval, interval_count: 1 };
  const current = periodAt(recurrence, clock.now());
  return {
    ...recurrence,
    stripe_subscription: `sub_${account_id}`,
    stripe_subscription_item: `si_${account_id}_${meter}`,
    meter,
    stripe_price: 'price_1',
    price: PRICE,
    started_at,
    billed_from: started_at,
    trial_end: null,
    ended_at: null,
    current_period_start: current.start,
    current_period_end: current.end,
  };
}
