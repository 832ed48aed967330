import { DatabaseSync } from 'node:sqlite';
import Stripe from 'stripe';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createUsage } from '../src/index.ts';
import { DAY, HOUR } from './support/credits-scene.ts';
import { createWorld, PLANS } from './support/world.ts';

/** Milliseconds of the real clock: the time-out is the SDK's. */
const TIMEOUT_MS = 1_000;

type World = Awaited<ReturnType<typeof createWorld>>;

type Tamper = (world: World, account: string, customer: string) => Promise<void> | void;

interface Poison {
  /** What Stripe does with a request of the poisoned customer; null = what it does with any other. */
  readonly answer?: (signal: AbortSignal) => Promise<Response>;
  /** What is done to it before the night. */
  readonly poison?: Tamper;
}

function refusal(status: number, message: string): () => Promise<Response> {
  return async () => Response.json({ error: { type: 'invalid_request_error', message } }, { status });
}

function hang(signal: AbortSignal): Promise<Response> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

/** The database refuses whatever would bring a report of the account into a status. */
function refuseStatus(status: string): Tamper {
  return ({ path }, account) => {
    const database = new DatabaseSync(path);
    database.exec(`CREATE TRIGGER poison_${account} BEFORE UPDATE ON usage
      WHEN NEW.account_id = '${account}' AND NEW.status = '${status}' BEGIN SELECT RAISE(ABORT, 'poisoned'); END`);
    database.close();
  };
}

const POISONS: Readonly<Record<string, Poison>> = {
  'whose customer was deleted': {
    poison: async ({ stripe }, _, customer) => {
      await stripe.customers.del(customer);
    },
  },
  'that Stripe refuses for ever': { answer: refusal(400, 'No.') },
  'whose customer Stripe does not know': { answer: refusal(404, 'No such customer.') },
  'for which Stripe always fails': { answer: refusal(500, 'An unknown error occurred') },
  'that Stripe always asks to come back': { answer: refusal(429, 'Lock timeout.') },
  'for which something else than Stripe answers': { answer: async () => new Response('<p>Sign in</p>') },
  'for which Stripe never answers': { answer: hang },
  'whose intent to send cannot be stored': { poison: refuseStatus('sending') },
  'whose report cannot be marked as reported': { poison: refuseStatus('reported') },
  'whose report cannot be sealed': { poison: refuseStatus('closed') },
};

/** Accounts with usage, the first of them poisoned, each in its way. */
async function createPoisonedWorld(count: number, poisons: readonly Poison[]) {
  const world = await createWorld({ lag_minutes: [0, 0] });
  const { clock, simulator } = world;
  const answers = new Map<string, NonNullable<Poison['answer']>>();
  const poisonedFetch: typeof fetch = async (input, init) => {
    const text = `${input instanceof Request ? input.url : input} ${String(init?.body ?? '')}`;
    const answer = answers.get(/cus_\d+/.exec(text)?.[0] ?? '');
    return answer ? await answer(init?.signal ?? AbortSignal.abort()) : await simulator.fetch(input, init);
  };
  const usage = createUsage({
    database: { path: world.path, thread: 'in_thread' },
    meters: { credits: {} },
    plans: PLANS,
    onError: () => {},
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    environment: { clock },
    stripe: {
      secret_key: 'sk_test_simulated',
      max_requests_per_second: 1_000_000,
      config: { httpClient: Stripe.createFetchHttpClient(poisonedFetch), timeout: TIMEOUT_MS },
    },
  });
  onTestFinished(() => usage.close());
  const customers: [account: string, customer: string][] = [];
  for (let index = 0; index < count; index += 1) {
    const account = `acct_${String(index).padStart(4, '0')}`;
    const { customer } = await world.subscribe();
    await usage.accounts.set({ account, plan: 'pro', stripe_customer: customer.id });
    customers.push([account, customer.id]);
  }
  await usage.worker.tick();
  await Promise.all(customers.map(([account]) => usage.increment({ account, quantity: 7 })));
  clock.advance(HOUR);
  for (const [index, { answer, poison }] of poisons.entries()) {
    const [account = '', customer = ''] = customers[index] ?? [];
    if (answer) answers.set(customer, answer);
    await poison?.(world, account, customer);
  }
  const others = customers.slice(poisons.length);
  /** What Stripe has counted of each of the others. */
  const counted = () => new Set(others.map(([, id]) => simulator.counted(id, 'credits', 0, clock.now() + 1)));
  return { usage, clock, counted, others };
}

describe('an account', () => {
  test.each(Object.entries(POISONS))(
    '%s delays no other in a run that the app asks for',
    async (_, poison) => {
      const { usage, counted, others } = await createPoisonedWorld(20, [poison]);
      const run = await usage.report();
      expect(run.reported).toBeGreaterThanOrEqual(others.length);
      expect(counted()).toEqual(new Set([7]));
    },
  );

  test.each(Object.entries(POISONS))(
    '%s delays no other at night, nor the night after',
    async (_, poison) => {
      const { usage, clock, counted, others } = await createPoisonedWorld(20, [poison]);
      clock.moveTo(Math.ceil(clock.now() / DAY) * DAY);
      await usage.worker.tick();
      expect(counted()).toEqual(new Set([7]));
      for (const [account] of others) await usage.increment({ account, quantity: 1 });
      clock.advance(DAY);
      await usage.worker.tick();
      expect(counted()).toEqual(new Set([8]));
    },
  );
});

test('a thousand accounts, some of them poisoned in every way at once: all others are reported in the same run', async () => {
  const poisons = Object.values(POISONS);
  const { usage, counted, others } = await createPoisonedWorld(1_000, poisons);
  const run = await usage.report();
  expect(others).toHaveLength(1_000 - poisons.length);
  expect(run.reported).toBeGreaterThanOrEqual(others.length);
  expect(counted()).toEqual(new Set([7]));
}, 120_000);
