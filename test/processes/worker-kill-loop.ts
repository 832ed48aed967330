import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Stripe from 'stripe';
import { createUsage } from '../../src/index.ts';
import { createMovableClock, createStripeSimulator } from '../../src/testing/index.ts';
import { createDatabase } from '../support/postgres/databases.ts';
import { startPostgres } from '../support/postgres/server.ts';
import { startProgram } from './programs.ts';
import { createRandom } from './random.ts';

export interface WorkerKillLoopParams {
  /** An empty database: the path of a SQLite file or `postgres://…`. */
  readonly database: string;
  /** At each label. */
  readonly kills: number;
  /** Default: every label that the worker passes. */
  readonly only?: readonly string[];
  readonly seed: number;
  /** Lets the worker that is killed send under identifiers of its own. */
  readonly careless?: boolean;
  /** Told when a worker was killed at every label once more. */
  readonly onRound?: (round: number) => void;
}

export interface WorkerKillLoopResult {
  /** Label → how often a worker was killed there. */
  readonly kills: ReadonlyMap<string, number>;
  /** Reports that Stripe has, over all accounts. */
  readonly reported: number;
  readonly problems: readonly string[];
}

const START = Date.UTC(2026, 0, 2);
const ACCOUNTS = ['a', 'b', 'c'];
/** A report of this length has a whole minute of its own. */
const PERIOD_MS = 150_000;
/** Within this, another process has taken over and is done. */
const RESUMED_WITHIN_MS = 60_000;
/** An answer of Stripe that the worker never saw: the next one has to ask what was counted. */
const LOST_ANSWER = 'provider.sendReport:after';
/** A label that so many lives in a row do not come to is not one that the worker passes. */
const MAX_TRIES = 6;

/** Kills a worker process at each label in turn; each time another process must have put all right within a minute. */
export async function workerKillLoop(params: WorkerKillLoopParams): Promise<WorkerKillLoopResult> {
  const scene = await setScene(params);
  const random = createRandom(params.seed);
  const kills = new Map<string, number>();
  const problems: string[] = [];
  try {
    const labels = [...(await scene.labels())].filter(([label]) => params.only?.includes(label) ?? true);
    for (let round = 1; round <= params.kills && problems.length === 0; round += 1) {
      for (const [label, passages] of labels) {
        problems.push(...(await killAt(scene, label, passages, random)));
        if (problems.length > 0) break;
        kills.set(label, round);
      }
      params.onRound?.(round);
    }
    return { kills, reported: scene.reported(), problems };
  } finally {
    await scene.close();
  }
}

/** @returns what is wrong afterwards. */
async function killAt(
  scene: Scene,
  label: string,
  passages: number,
  random: () => number,
): Promise<readonly string[]> {
  for (let missed = 0; missed < MAX_TRIES; missed += 1) {
    await scene.use(1 + Math.floor(random() * 1_000));
    // What is passed only after a lost answer needs one first.
    const before = missed > 0 ? await scene.liveTo(LOST_ANSWER, 1) : null;
    const occurrence = missed > 1 ? 1 : 1 + Math.floor(random() * passages);
    const life = before?.isKilled === false ? before : await scene.liveTo(label, occurrence);
    const problems = [...life.problems, ...(await scene.resume())];
    if (life.isKilled || problems.length > 0) return problems;
  }
  return [`The worker no longer comes to ${label}.`];
}

type Scene = Awaited<ReturnType<typeof setScene>>;

interface Life {
  readonly isKilled: boolean;
  readonly problems: readonly string[];
}

/** Stripe in this process, a database, three paying accounts, and a second worker that takes over. */
async function setScene({ database, seed, careless = false }: WorkerKillLoopParams) {
  const clock = createMovableClock({ start: START });
  const simulator = createStripeSimulator({ clock, seed, lag_minutes: [0, 0] });
  const { port } = await simulator.listen();
  const httpClient = Stripe.createFetchHttpClient(simulator.fetch);
  const errors: unknown[] = [];
  const usage = createUsage({
    database,
    meters: { credits: {} },
    worker_schedule: { usage: '* * * * *' },
    stripe: { secret_key: 'sk_test_simulated', max_requests_per_second: 1_000_000, config: { httpClient } },
    environment: { clock },
    onError: (error) => errors.push(error),
  });
  const used = new Map<string, number>();
  const customers = await subscribeAll(new Stripe('sk_test_simulated', { httpClient }));
  for (const [account, stripe_customer] of customers) await usage.accounts.set({ account, stripe_customer });
  await usage.worker.tick();

  /** A period passes in which every account uses something. */
  async function use(quantity: number): Promise<void> {
    clock.advance(PERIOD_MS);
    for (const [index, account] of ACCOUNTS.entries()) {
      await usage.increment({ account, quantity: quantity + index });
      used.set(account, (used.get(account) ?? 0) + quantity + index);
    }
    clock.advance(1_000);
  }

  function start(...more: readonly string[]) {
    const args = [`--database=${database}`, `--port=${port}`, `--now=${clock.now()}`, ...more];
    return startProgram('./killed-worker.ts', careless ? [...args, '--careless'] : args);
  }

  async function liveTo(label: string, occurrence: number): Promise<Life> {
    const { code, stderr } = await start(`--label=${label}`, `--occurrence=${occurrence}`).ended;
    const problems = stderr === '' && (code === null || code === 0) ? [] : [`${label}: ${code} ${stderr}`];
    if (code === null) clock.advance(RESUMED_WITHIN_MS);
    return { isKilled: code === null, problems };
  }

  /** Labels → how often a life passes them, with and without an answer that was lost before. */
  async function labels(): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for (const isAnswerLost of [false, true]) {
      await use(10);
      if (isAnswerLost) await liveTo(LOST_ANSWER, 1);
      const program = start();
      await program.ended;
      const passed = new Map<string, number>();
      for (const label of program.lines) passed.set(label, (passed.get(label) ?? 0) + 1);
      for (const [label, count] of passed) if (!found.has(label)) found.set(label, count);
    }
    return found;
  }

  /** The other process does what is due. @returns what is not right afterwards. */
  async function resume(): Promise<string[]> {
    await usage.worker.tick();
    const problems = errors.splice(0).map((error) => `The other worker failed: ${error}`);
    for (const [account, customer] of customers) {
      const { quantity, reports } = await usage.get({ account });
      const sent = reports.filter(({ status }) => status !== 'open');
      for (const { status, reason } of sent) {
        if (status !== 'reported') problems.push(`${account}: a report is ${status} (${reason})`);
      }
      const counted = simulator.counted(customer, 'credits', START - 86_400_000, clock.now() + 1);
      const expected = used.get(account);
      if (quantity !== expected)
        problems.push(`${account}: ${quantity} are counted here, ${expected} were used`);
      if (counted !== expected)
        problems.push(`${account}: ${counted} are counted at Stripe, ${expected} were used`);
    }
    return problems;
  }

  return {
    use,
    liveTo,
    labels,
    resume,
    reported: () => simulator.events().length,
    close: async () => {
      await usage.close();
      await simulator.close();
    },
  };
}

async function subscribeAll(stripe: Stripe): Promise<Map<string, string>> {
  const meter = await stripe.billing.meters.create({
    display_name: 'Credits',
    event_name: 'credits',
    default_aggregation: { formula: 'sum' },
  });
  const price = await stripe.prices.create({
    currency: 'usd',
    product_data: { name: 'Credits' },
    unit_amount: 2,
    recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
  });
  const customers = new Map<string, string>();
  for (const account of ACCOUNTS) {
    const { id } = await stripe.customers.create({ name: account });
    await stripe.subscriptions.create({ customer: id, items: [{ price: price.id }] });
    customers.set(account, id);
  }
  return customers;
}

/** `node test/processes/worker-kill-loop.ts [--kills 100] [--seed 7] [--postgres]` */
if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '100' },
      seed: { type: 'string' },
      postgres: { type: 'boolean', default: false },
    },
  });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const kills = Number(values.kills);
  const engine = values.postgres ? ' --postgres' : '';
  console.log(`node test/processes/worker-kill-loop.ts --kills ${kills} --seed ${seed}${engine}`);
  const directory = mkdtempSync(join(tmpdir(), 'tallybook-kills-'));
  const server = values.postgres ? await startPostgres() : null;
  const startedAt = performance.now();
  try {
    const database = server ? (await createDatabase(server.url)).url : join(directory, 'usage.db');
    const onRound = (round: number) => console.log(`${round} kills at every label`);
    const result = await workerKillLoop({ database, kills, seed, onRound });
    const total = [...result.kills.values()].reduce((sum, count) => sum + count, 0);
    const took_s = Math.round((performance.now() - startedAt) / 1_000);
    console.log(
      `${total} kills at ${result.kills.size} labels in ${took_s} s; Stripe has ${result.reported} reports, each once`,
    );
    for (const problem of result.problems.slice(0, 20)) console.error(problem);
    process.exitCode = result.problems.length === 0 ? 0 : 1;
  } finally {
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
