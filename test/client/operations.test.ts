import { readFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { createClient, type RequestError, type UsageClient } from '../../src/client/index.ts';
import { createBilled } from '../http/billed.ts';
import { APP, readRoutes } from '../http/operations.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** Routes without a method of the client, and why there is none. */
const WITHOUT_METHOD: Readonly<Record<string, string>> = {
  recordUsage: '`record` sends a batch, also of one.',
  recordEvents: 'It is for whoever has CloudEvents.',
  ingestEvents: 'It is for clients of OpenMeter.',
  receiveStripeEvent: 'It is for Stripe.',
  getHealth: 'It is for whoever watches the server.',
  getReadiness: 'The same.',
};
const ACCOUNT = 'acct_1';
const account = ACCOUNT;
const reason = 'why';

/** A call of every other route. */
const CALLS: Readonly<Record<string, (client: UsageClient) => Promise<unknown>>> = {
  recordUsageBatch: (client) => client.record({ account }),
  getUsage: (client) => client.get({ account, period_start: '2026-01-10', period_end: '2026-01-11' }),
  getUsageWindows: (client) => client.windows({ account, meter: 'credits', window: 'day' }),
  getCost: (client) => client.cost({ account, meter: 'credits' }),
  checkLimit: (client) => client.limits.check({ account, quantity: 2 }),
  listInvoices: (client) => client.invoices.list({ account, limit: 3 }),
  explainInvoice: (client) => client.invoices.explain({ account, invoice: 'in_1' }),
  listPlans: (client) => client.plans.list(),
  previewPlan: (client) => client.plans.preview({ account, plan: 'business' }),
  changePlan: (client) => client.plans.change({ account, plan: 'business' }),
  getSubscription: (client) => client.subscriptions.get({ account }),
  getLastChange: (client) => client.subscriptions.lastChange({ account }),
  createSubscription: (client) => client.subscriptions.create({ account, plan: 'pro', seats: 2 }),
  openCheckout: (client) =>
    client.subscriptions.checkout({ account, plan: 'pro', success_url: APP, cancel_url: APP }),
  openPortal: (client) => client.subscriptions.portal({ account, return_url: APP }),
  cancelSubscription: (client) => client.subscriptions.cancel({ account, when: 'now' }),
  resumeSubscription: (client) => client.subscriptions.resume({ account }),
  pauseSubscription: (client) => client.subscriptions.pause({ account }),
  billUnflushed: (client) =>
    client.subscriptions.billUnflushed({ account, period_start: '2026-01-10T12:00:00Z', amount: 5, reason }),
  getSeats: (client) => client.seats.get({ account }),
  setSeats: (client) => client.seats.set({ account, seats: 5, expected: 3 }),
  addSeats: (client) => client.seats.add({ account, seats: 1 }),
  getAccount: (client) => client.accounts.get({ account }),
  setAccount: (client) => client.accounts.set({ account, plan: 'pro' }),
  syncAccount: (client) => client.accounts.sync({ account }),
  listAccounts: (client) => client.accounts.list({ limit: 5 }),
  createToken: (client) => client.tokens.create({ account, expires_in_s: 60 }),
  revokeTokens: (client) => client.tokens.revoke({ account }),
  listReports: (client) => client.reports.list({ account, status: ['held', 'failed'], limit: 5 }),
  retryReport: (client) => client.reports.retry({ account, report: 1, reason }),
  resolveReport: (client) => client.reports.resolve({ account, report: 1, reason, as: 'counted' }),
  explainReport: (client) => client.reports.explain({ account, report: 1, limit: 5 }),
  adjustUsage: (client) => client.adjust({ account, quantity: -1, reason }),
  reconcile: (client) => client.reconcile({ account, period_start: '2026-01-01', period_end: '2026-02-01' }),
  listWebhooks: (client) => client.webhooks.list({ status: 'parked', limit: 5 }),
  retryWebhook: (client) => client.webhooks.retry({ event: 'evt_1' }),
};

/** What is repeated where there was no answer: it reads, or counts, makes or bills the same thing once. */
const REPEATED = new Set([
  'recordUsageBatch',
  'previewPlan',
  'createSubscription',
  'openCheckout',
  'openPortal',
  'billUnflushed',
  'syncAccount',
  'createToken',
  'adjustUsage',
]);

const operations = await readRoutes();
const called = operations.filter(({ operationId }) => !Object.hasOwn(WITHOUT_METHOD, operationId));

/** The client of a real handler with a subscribed account, over a network that loses some answers. */
async function createScene(lost_answers = 0) {
  const served = await createBilled();
  await served.subscribe(ACCOUNT);
  await served.usage.increment({ account, quantity: 7 });
  const requests: Request[] = [];
  const statuses: number[] = [];
  let answering = 0;
  const client = createClient({
    base_url: 'http://usage.test',
    api_key: await served.createKey(['admin']),
    async fetch(url, init) {
      const request = new Request(url, init);
      requests.push(request.clone());
      answering += 1;
      const response = await served.usage.handler(request).finally(() => {
        answering -= 1;
      });
      statuses.push(response.status);
      if (requests.length <= lost_answers) throw new TypeError('fetch failed');
      return response;
    },
  });
  return { ...served, client, requests, statuses, isAnswering: () => answering > 0 };
}

/** What becomes of a call that waits between its attempts, at once; the server has the time that it takes. */
async function settled<Result>(
  call: Promise<Result> | undefined,
  isAnswering: () => boolean,
): Promise<Result | string> {
  const outcomes: (Result | string)[] = [];
  call?.then(
    (result) => outcomes.push(result),
    (error: RequestError) => outcomes.push(error.code),
  );
  for (;;) {
    if (!isAnswering()) await vi.runAllTimersAsync();
    for (const outcome of outcomes) return outcome;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Names of an object's methods, with those of its parts. */
function methodsOf(object: object, prefix = ''): string[] {
  return Object.entries(object).flatMap(([name, value]) =>
    typeof value === 'function' ? [`${prefix}${name}`] : methodsOf(value, `${prefix}${name}.`),
  );
}

/** A client that notes which of its methods are called, and does nothing. */
function recording(names: Set<string>, path: readonly string[] = []): unknown {
  return new Proxy(async () => names.add(path.join('.')), {
    get: (_, name) => recording(names, [...path, String(name)]),
  });
}

test('every route has a method of the client, or a reason why not, and every method a route', async () => {
  const documented = operations.map(({ operationId }) => operationId);
  expect([...Object.keys(CALLS), ...Object.keys(WITHOUT_METHOD)].sort()).toEqual(documented.sort());
  const names = new Set<string>();
  for (const call of Object.values(CALLS)) await call(recording(names) as UsageClient);
  const client = createClient({ base_url: '/billing' });
  expect(methodsOf(client).filter((name) => !names.has(name))).toEqual(['flush', 'close']);
});

test('what is called otherwise than in `usage` is what the documentation says', async () => {
  const { client, usage } = await createScene();
  const names = new Set(methodsOf(usage));
  const others = methodsOf(client).filter((name) => !names.has(name));
  expect(others.sort()).toEqual(['flush', 'invoices.explain', 'record', 'reports.explain']);
  const [, everything = ''] = readFileSync('docs/client.md', 'utf8').split('## Everything else');
  for (const name of others) if (name !== 'flush') expect(everything).toContain(`\`${name}\``);
});

test.each(called)(
  '$operationId is asked for as documented, and repeated only where that is safe',
  async ({ operationId, method, path }) => {
    const { client, requests, statuses, isAnswering } = await createScene(1);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const told = await settled(CALLS[operationId]?.(client), isAnswering);
    const isRepeated = method === 'GET' || REPEATED.has(operationId);
    const once = `${method} ${path}`;
    expect(requests.map(({ method: sent, url }) => `${sent} ${new URL(url).pathname}`)).toEqual(
      isRepeated ? [once, once] : [once],
    );
    // What there is to decide, or to explain, is not there; the request itself is right.
    for (const status of statuses) expect([200, 204, 404, 409]).toContain(status);
    if (!isRepeated) return expect(told).toBe('unreachable');
    const [first, second] = await Promise.all(requests.map((request) => request.text()));
    expect(told).not.toBe('unreachable');
    expect(second).toBe(first);
  },
);

test('an adjustment whose answer was lost counts once, and is told as recorded', async () => {
  const { client, requests, usage, isAnswering } = await createScene(1);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const adjusted = client.adjust({ account, quantity: -3, reason });
  expect(await settled(adjusted, isAnswering)).toEqual({ recorded: true, duplicate: false });
  const [body] = await Promise.all(requests.map((request) => request.json()));
  expect(body.idempotency_key).toMatch(/^client_[0-9a-f]{32}$/);
  expect((await usage.get({ account })).quantity).toBe(4);
});

test('a subscription whose answer was lost is made once', async () => {
  const { client, requests, stripe, usage, isAnswering } = await createScene(1);
  const customer = await stripe.customers.create({});
  await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
  await usage.accounts.set({ account: 'acct_2', stripe_customer: customer.id });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const created = client.subscriptions.create({ account: 'acct_2', plan: 'pro', seats: 2 });
  expect(await settled(created, isAnswering)).toMatchObject({ account: 'acct_2', plan: 'pro', seats: 2 });
  expect(requests).toHaveLength(2);
  const { data } = await stripe.subscriptions.list({ customer: customer.id, status: 'all' });
  expect(data).toHaveLength(1);
});
