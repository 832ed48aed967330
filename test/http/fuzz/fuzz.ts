import Stripe from 'stripe';
import { createUsage } from '../../../src/index.ts';
import { createMovableClock } from '../../../src/testing/movable-clock.ts';
import { createStripeSimulator } from '../../../src/testing/stripe-simulator/stripe-simulator.ts';
import { Random } from '../../simulation/random.ts';
import { readDocument } from '../operations.ts';
import { createAnswerCheck } from './check-answer.ts';
import { type Credentials, type DrawnRequest, drawRequest } from './draw-request.ts';

const START = Date.UTC(2026, 0, 10, 12);
const SECRET = 'a secret of more than thirty-two bytes';
const AT_ONCE = 16;

export interface FuzzOptions {
  readonly requests: number;
  readonly seed: number;
  /** Path of the database file. */
  readonly database: string;
}

export interface FuzzResult {
  /** Status → answers. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Routes that were answered with success at least once. */
  readonly reached: ReadonlySet<string>;
  readonly routes: number;
  /** What was wrong, each with the request that led to it; the first few. */
  readonly failures: readonly string[];
}

const MAX_FAILURES = 10;

/** Sends generated requests to a whole installation, and holds every answer to the OpenAPI document. */
export async function fuzz({ requests, seed, database }: FuzzOptions): Promise<FuzzResult> {
  const random = new Random(seed);
  const { usage, credentials, faults } = await install(database);
  const document = await readDocument({
    get: async (path) => ({
      json: await (await usage.handler(new Request(`http://localhost${path}`))).json(),
    }),
  });
  const check = createAnswerCheck(document);
  const statuses = new Map<number, number>();
  const reached = new Set<string>();
  const failures: string[] = [];

  async function send(drawn: DrawnRequest): Promise<void> {
    const headers = new Headers();
    for (const [name, value] of drawn.headers) headers.set(name, value);
    const init = { method: drawn.method, headers, ...(drawn.body === null ? {} : { body: drawn.body }) };
    const response = await usage.handler(new Request(`http://localhost${drawn.target}`, init));
    const answer = {
      status: response.status,
      type: response.headers.get('content-type'),
      text: await response.text(),
    };
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    if (answer.status < 300 && drawn.operation) reached.add(drawn.operation.operationId);
    const wrong = response.headers.has('x-request-id') ? check(drawn, answer) : 'It has no request id.';
    if (wrong !== null) failures.push(`${wrong}\n  ${describe(drawn)}`);
  }

  const onFault = (error: unknown) => failures.push(`Nobody handled: ${error}`);
  process.on('unhandledRejection', onFault);
  try {
    for (let sent = 0; sent < requests && failures.length < MAX_FAILURES; sent += AT_ONCE) {
      const drawn = Array.from({ length: Math.min(AT_ONCE, requests - sent) }, () =>
        drawRequest(random, document, credentials),
      );
      await Promise.all(
        drawn.map((request) => send(request).catch((error) => onFault(`${error} ${describe(request)}`))),
      );
    }
    failures.push(...faults.map((fault) => `The app was told of ${fault}`));
  } finally {
    await usage.close();
    process.off('unhandledRejection', onFault);
  }
  const routes = document.operations.length;
  return { statuses, reached, routes, failures: failures.slice(0, MAX_FAILURES) };
}

/** Two meters, several accounts, and somebody of every kind who may ask. */
async function install(database: string) {
  const faults: unknown[] = [];
  const clock = createMovableClock({ start: START });
  const simulator = createStripeSimulator({ clock });
  const usage = createUsage({
    database,
    meters: { credits: {}, tokens: {} },
    default_meter: 'credits',
    verify_timeout_ms: 0, // nobody moves the clock meanwhile
    plans: {
      free: { prices: [], limits: { credits: 100 } },
      pro: { prices: sold('1.5') },
      business: { prices: sold('1') },
    },
    stripe: {
      secret_key: 'sk_test_simulated',
      webhook_secret: 'whsec_simulated',
      config: { httpClient: Stripe.createFetchHttpClient(simulator.fetch) },
    },
    http: {
      token_secret: SECRET,
      allowed_origins: ['https://app.example.com'],
      rate_limits: { per_key: false, stripe: false },
      usage_page: true,
      cloud_events: { mapped: { meter: 'tokens', quantity: 'data.quantity' } },
    },
    onError: (error) => {
      // What is answered with 503 is told to the app as well, and is expected here.
      if (!(error instanceof Error && 'code' in error && error.code === 'stripe_unavailable'))
        faults.push(error);
    },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    environment: { clock },
  });
  const { changes } = await usage.catalogue.compare();
  await usage.catalogue.push({ changes });
  for (const account of ['own', 'foreign']) {
    await usage.subscriptions.create({ account, plan: 'pro', seats: 3 });
    await usage.increment({ account, quantity: 10 });
  }
  await usage.report();
  await usage.increment({ account: 'own', quantity: 5 });
  const keys = [
    ...(await Promise.all(Array.from({ length: 8 }, () => usage.keys.create({ scopes: ['admin'] })))),
    await usage.keys.create({ scopes: ['read', 'write'] }),
    await usage.keys.create({ scopes: ['read'], account: 'own' }),
    await usage.keys.create({ scopes: ['write'], account: 'own' }),
  ];
  const { token } = await usage.tokens.create({ account: 'own' });
  const credentials: Credentials = [token, ...keys.map(({ secret }) => secret), 'tbk_wrong'];
  return { usage, credentials, faults };
}

/** By use, and by the seat. */
function sold(unit_amount_decimal: string) {
  const common = { currency: 'usd', interval: 'month' } as const;
  return [
    { ...common, meter: 'credits', unit_amount_decimal },
    { ...common, usage_type: 'licensed', quantity: 'seats', unit_amount_decimal: '500' },
  ] as const;
}

function describe({ method, target, headers, body }: DrawnRequest): string {
  const shown = headers.filter(([name]) => name !== 'authorization');
  return `${method} ${target.slice(0, 300)} ${JSON.stringify(shown)} ${JSON.stringify(body)?.slice(0, 500)}`;
}
