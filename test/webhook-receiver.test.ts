import Stripe from 'stripe';
import { expect, onTestFinished, test } from 'vitest';
import { createUsage, type UsageOptions } from '../src/index.ts';
import { createMovableClock } from '../src/testing/movable-clock.ts';
import { composeUsage } from '../src/usage.ts';
import { temporaryDirectory } from './support/folders.ts';

const NOW = Date.UTC(2026, 0, 10, 12);
const SECRET = 'whsec_snapshot';
const THIN_SECRET = 'whsec_thin';
const KEY = 'sk_test_receiver';
const stripe = new Stripe(KEY);

const SNAPSHOT = {
  id: 'evt_1',
  object: 'event',
  api_version: null,
  created: NOW / 1_000 - 2,
  data: { object: { id: 'in_1', object: 'invoice', customer: 'cus_1' } },
  livemode: false,
  pending_webhooks: 1,
  request: null,
  type: 'invoice.created',
};
const THIN = {
  id: 'evt_thin_1',
  object: 'v2.core.event',
  created: '2026-01-10T11:59:58.000Z',
  livemode: false,
  type: 'v1.billing.meter.error_report_triggered',
  related_object: { id: 'mtr_1', type: 'billing.meter', url: '/v1/billing/meters/mtr_1' },
};

/** The product, with an account of `cus_1` and without a way to Stripe: the receiver must not need one. */
async function createReceiver({ secret_key = KEY, ...stripeOptions }: Partial<UsageOptions['stripe']> = {}) {
  const clock = createMovableClock({ start: NOW });
  const errors: unknown[] = [];
  const logs: string[] = [];
  const log = (fields: object, message: string) =>
    void logs.push(`${message} ${JSON.stringify(fields)} ${Object.values(fields).join(' ')}`);
  const requests: string[] = [];
  const offline = Stripe.createFetchHttpClient((input) => {
    requests.push(String(input));
    return Promise.reject(new Error('offline'));
  });
  const options = {
    database: { path: `${temporaryDirectory()}/usage.db`, thread: 'in_thread' },
    meters: { credits: {} },
    stripe: {
      secret_key,
      webhook_secret: [SECRET, THIN_SECRET],
      config: { httpClient: offline },
      ...stripeOptions,
    },
    environment: { clock },
    logger: { debug: log, info: log, warn: log, error: log },
    onError: (error: unknown) => void errors.push(error),
  } as const;
  const database = { isBroken: false };
  const usage = composeUsage(options, {
    provider: (provider) => provider,
    store: (store) => ({
      ...store,
      receiveWebhookEvent: (params) =>
        database.isBroken
          ? Promise.reject(new Error(`The disk of ${SECRET} is full.`))
          : store.receiveWebhookEvent(params),
    }),
  });
  onTestFinished(() => usage.close());
  await usage.accounts.set({ account: 'acct_1', stripe_customer: 'cus_1' });
  const send = async (
    body: string | Uint8Array<ArrayBuffer>,
    signature: string | null,
    init: RequestInit = {},
  ) => {
    const headers = { ...(signature === null ? {} : { 'Stripe-Signature': signature }), ...init.headers };
    const request = new Request('https://app.example/hook', { method: 'POST', body, ...init, headers });
    const response = await usage.webhook(request);
    return { status: response.status, headers: response.headers, body: await response.text() };
  };
  const sign = (payload: string, secret = SECRET, at = clock.now()) =>
    stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp: at / 1_000 });
  /** As Stripe sends it: signed over the exact body. */
  const deliver = (event: object, secret = SECRET) => {
    const payload = JSON.stringify(event, null, 2);
    return send(payload, sign(payload, secret));
  };
  const kept = async () => (await usage.webhooks.list()).events.map(({ event }) => event);
  return { clock, usage, errors, logs, requests, database, send, sign, deliver, kept };
}

test('an event of Stripe is stored and answered without a request to Stripe', async () => {
  const { deliver, usage, requests } = await createReceiver();
  expect(await deliver(SNAPSHOT)).toMatchObject({
    status: 200,
    body: '{"received":true,"outcome":"received"}',
  });
  expect(await deliver(THIN, THIN_SECRET)).toMatchObject({ status: 200 });
  expect(requests).toEqual([]);
  const { events } = await usage.webhooks.list();
  expect(events).toMatchObject([
    { event: 'evt_1', type: 'invoice.created', stripe_customer: 'cus_1', status: 'pending', attempts: 0 },
    { event: 'evt_thin_1', type: THIN.type, stripe_customer: null, status: 'pending' },
  ]);
});

test('a replay is answered with 200 and changes nothing', async () => {
  const { deliver, kept, clock } = await createReceiver();
  await deliver(SNAPSHOT);
  clock.advance(60_000);
  expect(await deliver(SNAPSHOT)).toMatchObject({ status: 200, body: expect.stringContaining('duplicate') });
  expect(await kept()).toEqual(['evt_1']);
});

test.each([
  ['an unknown type', { ...SNAPSHOT, type: 'unicorn.born' }],
  ['a type that asks for nothing', { ...SNAPSHOT, type: 'charge.succeeded' }],
  ['a type named like a property', { ...SNAPSHOT, type: 'constructor' }],
  ['an unknown customer', { ...SNAPSHOT, data: { object: { id: 'in_1', customer: 'cus_other' } } }],
  ['no customer', { ...SNAPSHOT, data: { object: { id: 'in_1', customer: null } } }],
  ['a customer named like SQL', { ...SNAPSHOT, data: { object: { customer: "'; DROP TABLE account; --" } } }],
])('%s is answered with 200 and changes nothing', async (_, event) => {
  const { deliver, kept, usage, clock } = await createReceiver();
  const before = await usage.accounts.list();
  expect(await deliver(event)).toMatchObject({ status: 200, body: '{"received":true,"outcome":"ignored"}' });
  expect(await kept()).toEqual([]);
  expect(await usage.accounts.list()).toEqual(before);
  expect(clock.now()).toBe(NOW);
});

const PAYLOAD = JSON.stringify(SNAPSHOT, null, 2);
type Sign = (payload: string, secret?: string, at?: number) => string;

test.each<[string, (sign: Sign) => [body: string | Uint8Array<ArrayBuffer>, signature: string | null]]>([
  ['no signature', () => [PAYLOAD, null]],
  ['an empty signature', () => [PAYLOAD, '']],
  ['a signature that is none', () => [PAYLOAD, 'hello']],
  ['a signature without a time', (sign) => [PAYLOAD, sign(PAYLOAD).replace(/t=\d+,/, '')]],
  ['a time that is no number', (sign) => [PAYLOAD, sign(PAYLOAD).replace(/t=\d+/, 't=NaN')]],
  ['another secret', (sign) => [PAYLOAD, sign(PAYLOAD, 'whsec_other')]],
  ['a scheme of tests', (sign) => [PAYLOAD, sign(PAYLOAD).replace('v1=', 'v0=')]],
  ['a signature of 301 seconds ago', (sign) => [PAYLOAD, sign(PAYLOAD, SECRET, NOW - 301_000)]],
  ['a signature of 301 seconds ahead', (sign) => [PAYLOAD, sign(PAYLOAD, SECRET, NOW + 301_000)]],
  [
    'an old signature with a new time',
    (sign) => [PAYLOAD, sign(PAYLOAD, SECRET, NOW - 3_600_000).replace(/t=\d+/, `t=${NOW / 1_000}`)],
  ],
  ['a re-serialised body', (sign) => [JSON.stringify(SNAPSHOT), sign(PAYLOAD)]],
  ['a changed body', (sign) => [PAYLOAD.replace('cus_1', 'cus_2'), sign(PAYLOAD)]],
  ['a mark before the body', (sign) => [`\uFEFF${PAYLOAD}`, sign(PAYLOAD)]],
  ['an empty body', (sign) => ['', sign('')]],
  ['a body that is not UTF-8', (sign) => [new Uint8Array([0xff, 0xfe, 0x00]), sign(PAYLOAD)]],
])('%s is refused with 400 and changes nothing', async (_, make) => {
  const { send, sign, kept, errors } = await createReceiver();
  const [body, signature] = make(sign);
  expect(await send(body, signature)).toMatchObject({ status: 400 });
  expect(await kept()).toEqual([]);
  expect(errors).toEqual([]); // anyone can send these: they are no news
});

test('a signature is good for 300 seconds, by the injected clock', async () => {
  const { send, sign } = await createReceiver();
  expect(await send(PAYLOAD, sign(PAYLOAD, SECRET, NOW - 300_000))).toMatchObject({ status: 200 });
});

test('one of several signatures is enough, as while Stripe rolls a secret', async () => {
  const { send, sign } = await createReceiver({ webhook_secret: SECRET });
  const [, other] = sign(PAYLOAD, 'whsec_old').split(',');
  expect(await send(PAYLOAD, `${sign(PAYLOAD)},${other}`)).toMatchObject({ status: 200 });
});

test.each([
  ['not JSON', '{"id": "evt_1"'],
  ['a list', '[]'],
  ['null', 'null'],
  ['no event', '{"object":"customer","id":"cus_1"}'],
  ['an event without data', JSON.stringify({ ...SNAPSHOT, data: undefined })],
  ['an id that is no text', JSON.stringify({ ...SNAPSHOT, id: 1 })],
  ['an id past 255 characters', JSON.stringify({ ...SNAPSHOT, id: 'e'.repeat(256) })],
  ['a time that is none', JSON.stringify({ ...THIN, created: 'yesterday' })],
  ['ten thousand brackets', '['.repeat(10_000)],
])('a signed body that is no event (%s) is refused with 400', async (_, body) => {
  const { send, sign, kept } = await createReceiver();
  expect(await send(body, sign(body))).toMatchObject({ status: 400 });
  expect(await kept()).toEqual([]);
});

test('events of the other mode of Stripe are refused', async () => {
  const { deliver, kept, logs } = await createReceiver();
  expect(await deliver({ ...SNAPSHOT, livemode: true })).toMatchObject({ status: 400 });
  expect(await kept()).toEqual([]);
  expect(logs.join()).toContain('other mode');
  const live = await createReceiver({ secret_key: 'rk_live_x' });
  expect(await live.deliver({ ...SNAPSHOT, livemode: true })).toMatchObject({ status: 200 });
  expect(await live.deliver(SNAPSHOT)).toMatchObject({ status: 400 });
});

test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('%s is answered with 405', async (method) => {
  const { usage } = await createReceiver();
  const response = await usage.webhook(new Request('https://app.example/hook', { method }));
  expect(response.status).toBe(405);
  expect(response.headers.get('Allow')).toBe('POST');
});

test('a body of more than 1 MB is refused with 413, declared or streamed, and not read to its end', async () => {
  const { send, sign, kept } = await createReceiver();
  const large = JSON.stringify({ ...SNAPSHOT, padding: 'x'.repeat(1_048_576) });
  expect(await send(large, sign(large))).toMatchObject({ status: 413 });
  let pulled = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled += 1;
      controller.enqueue(new Uint8Array(65_536));
    },
  });
  const streamed = { body: endless, duplex: 'half' } as RequestInit;
  expect(await send('', sign(large), streamed)).toMatchObject({ status: 413 });
  expect(pulled).toBeLessThan(30);
  expect(await send('', sign(large), { body: 'x', headers: { 'Content-Length': '2000000' } })).toMatchObject({
    status: 413,
  });
  expect(await kept()).toEqual([]);
  const allowed = JSON.stringify({ ...SNAPSHOT, padding: 'x'.repeat(1_000_000) });
  expect(await send(allowed, sign(allowed))).toMatchObject({ status: 200 });
});

test('a body that does not arrive is given up after ten seconds', async () => {
  const { send, sign, clock } = await createReceiver();
  const answer = send('', sign(PAYLOAD), heldBack());
  await Promise.resolve();
  clock.advance(10_000);
  expect(await answer).toMatchObject({ status: 408 });
});

/** A body of which nothing comes. */
function heldBack(): RequestInit {
  const body = new ReadableStream<Uint8Array>({ pull: () => new Promise<void>(() => {}) });
  return { body, duplex: 'half' } as RequestInit;
}

test.each([
  ['none', () => 'x'],
  ['one of another time', (sign: Sign) => sign(PAYLOAD, SECRET, NOW - 301_000)],
  ['one that is too short', (sign: Sign) => sign(PAYLOAD).slice(0, -1)],
])('a body is not waited for where the signature is %s', async (_, make) => {
  const { send, sign } = await createReceiver();
  expect(await send('', make(sign), heldBack())).toMatchObject({ status: 400 });
});

test('bodies that are held back give way to others, the longest first, and keep no event of Stripe’s out', async () => {
  const { send, sign, deliver, clock, kept, errors } = await createReceiver();
  const statuses: number[] = [];
  const held = Array.from({ length: 66 }, async () => {
    const answer = await send('', sign(PAYLOAD), heldBack());
    statuses.push(answer.status);
    return answer;
  });
  const [first, second] = await Promise.all(held.slice(0, 2));
  for (const answer of [first, second]) {
    expect(answer?.status).toBe(503);
    expect(answer?.headers.get('Retry-After')).toBe('60');
  }
  expect(await deliver(SNAPSHOT)).toMatchObject({ status: 200 });
  expect(await kept()).toEqual(['evt_1']);
  expect(statuses).toEqual([503, 503, 503]);
  clock.advance(10_000);
  await Promise.all(held);
  expect(statuses.slice(3)).toEqual(Array.from({ length: 63 }, () => 408));
  expect(errors).toEqual([]);
});

test('a body that breaks off is refused', async () => {
  const { send, sign } = await createReceiver();
  const broken = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new Error('reset')),
  });
  expect(await send('', sign(PAYLOAD), { body: broken, duplex: 'half' } as RequestInit)).toMatchObject({
    status: 400,
  });
});

test('when the database fails the answer is 500 and generic, and Stripe’s next attempt is stored', async () => {
  const { deliver, database, errors, kept } = await createReceiver();
  database.isBroken = true;
  const refused = await deliver(SNAPSHOT);
  expect(refused.status).toBe(500);
  expect(refused.body).toBe('{"error":"The event could not be stored; send it again."}');
  expect(errors).toHaveLength(1);
  database.isBroken = false;
  expect(await deliver(SNAPSHOT)).toMatchObject({ status: 200 });
  expect(await kept()).toEqual(['evt_1']);
});

test('no secret is in an answer, a log or an error', async () => {
  const { send, sign, deliver, logs, errors } = await createReceiver();
  const answers = [
    await send(PAYLOAD, sign(PAYLOAD, 'whsec_other')),
    await send(PAYLOAD, null),
    await deliver({ ...SNAPSHOT, livemode: true }),
    await send('no', sign('no')),
    await deliver(SNAPSHOT),
  ];
  const told = JSON.stringify([answers, logs, errors.map(String)]);
  for (const secret of [SECRET, THIN_SECRET, KEY]) expect(told).not.toContain(secret);
});

test('without a signing secret nothing can be verified: 500, and the app is told', async () => {
  const errors: unknown[] = [];
  const usage = createUsage({
    database: { path: `${temporaryDirectory()}/usage.db`, thread: 'in_thread' },
    meters: { credits: {} },
    stripe: { secret_key: KEY },
    onError: (error) => errors.push(error),
  });
  const response = await usage.webhook(
    new Request('https://app.example/hook', { method: 'POST', body: 'x' }),
  );
  expect(response.status).toBe(500);
  expect(errors).toMatchObject([{ code: 'invalid_configuration', field: 'stripe.webhook_secret' }]);
  await usage.close();
  const closed = await usage.webhook(new Request('https://app.example/hook', { method: 'POST', body: 'x' }));
  expect(closed.status).toBe(503);
});

test.each([
  undefined,
  '',
  'sk_test_x',
  'whsec_',
  [],
  [undefined],
  ['whsec_a', ''],
  'whsec_a b',
  ['whsec_a', 'x'],
])('the signing secret %j is refused when the app starts, without being repeated', (webhook_secret) => {
  const create = () =>
    createUsage({
      database: '/tmp/usage.db',
      meters: { credits: {} },
      stripe: { secret_key: KEY, webhook_secret },
    });
  expect(create).toThrow(expect.objectContaining({ code: 'invalid_configuration' }));
  expect(create).not.toThrow(/sk_test_x|whsec_a/);
});
