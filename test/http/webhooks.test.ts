import Stripe from 'stripe';
import { describe, expect, test } from 'vitest';
import { createServed, START } from './served.ts';

const SECRET = 'whsec_of_the_endpoint';
const EVENT = {
  id: 'evt_1',
  object: 'event',
  api_version: null,
  created: START / 1_000,
  data: { object: { id: 'in_1', object: 'invoice', customer: 'cus_1' } },
  livemode: false,
  pending_webhooks: 1,
  request: null,
  type: 'invoice.created',
};
const HOUR = 3_600_000;
const RECEIVED = { received: true, outcome: 'received' };

/** Of the other kind, which says nothing but where to look. */
const THIN = {
  id: 'evt_thin',
  object: 'v2.core.event',
  created: new Date(START).toISOString(),
  livemode: false,
  type: 'v1.billing.meter.error_report_triggered',
  related_object: { id: 'mtr_1', type: 'billing.meter', url: '/v1/billing/meters/mtr_1' },
};

/** An account that Stripe’s event is about, and a Stripe that knows nothing of what it is asked. */
async function createScene() {
  const unknown = { error: { message: 'No such event', type: 'invalid_request_error' } };
  const httpClient = Stripe.createFetchHttpClient(async () => Response.json(unknown, { status: 404 }));
  const served = createServed({
    options: {
      stripe: { secret_key: 'sk_test_x', webhook_secret: SECRET, config: { httpClient } },
    },
  });
  await served.usage.accounts.set({ account: 'a', stripe_customer: 'cus_1' });
  const stripe = new Stripe('sk_test_x');
  const sign = (payload: string, age_s = 0) =>
    stripe.webhooks.generateTestHeaderString({ payload, secret: SECRET, timestamp: START / 1_000 - age_s });
  const deliver = (body: string, signature: string | null) =>
    served.send('POST', '/v1/webhooks/stripe', {
      body,
      headers: {
        'content-type': 'application/json',
        ...(signature === null ? {} : { 'stripe-signature': signature }),
      },
    });
  const payload = JSON.stringify(EVENT, null, 2);
  return { ...served, sign, deliver, payload, admin: await served.createKey(['admin']) };
}

describe('an event of Stripe', () => {
  test('is taken without a key, by its signature over the exact body, once', async () => {
    const { deliver, sign, payload, get, admin } = await createScene();
    expect(await deliver(payload, sign(payload))).toMatchObject({ status: 200, json: RECEIVED });
    expect(await deliver(payload, sign(payload))).toMatchObject({ json: { outcome: 'duplicate' } });
    const { json } = await get('/v1/webhooks?status=pending', admin);
    expect(json).toMatchObject({
      events: [{ event: 'evt_1', type: 'invoice.created', stripe_customer: 'cus_1', handled_at: null }],
      next: null,
    });
    expect((await get('/v1/webhooks?status=handled', admin)).json.events).toEqual([]);
  });

  test.each<
    [string, (sign: (payload: string, age_s?: number) => string, payload: string) => [string, string | null]]
  >([
    ['without a signature', (_, payload) => [payload, null]],
    ['signed for another body', (sign, payload) => [JSON.stringify(EVENT), sign(payload)]],
    ['that is too old', (sign, payload) => [payload, sign(payload, 301)]],
    ['that was cut off', (sign, payload) => [payload.slice(0, -2), sign(payload)]],
  ])('%s is refused with a problem, and nothing is kept', async (_, make) => {
    const { deliver, sign, payload, get, admin } = await createScene();
    const [body, signature] = make(sign, payload);
    const answer = await deliver(body, signature);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_webhook']);
    expect(answer.text).not.toContain(SECRET);
    expect((await get('/v1/webhooks', admin)).json.events).toEqual([]);
  });
});

test('events that nobody finishes are put off, which is no news for the app', async () => {
  const { usage, sign, payload, errors } = await createScene();
  const headers = { 'stripe-signature': sign(payload) };
  const held = Array.from({ length: 65 }, () => {
    const body = new ReadableStream<Uint8Array>({ pull: () => new Promise<void>(() => {}) });
    const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit;
    return usage.handler(new Request('http://localhost/v1/webhooks/stripe', init));
  });
  const answer = await Promise.race(held);
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '60']);
  expect(await answer.json()).toMatchObject({ code: 'overloaded' });
  expect(errors).toEqual([]);
});

describe('events', () => {
  test('are listed page by page', async () => {
    const { deliver, sign, get, admin } = await createScene();
    for (const id of ['evt_1', 'evt_2', 'evt_3']) {
      const body = JSON.stringify({ ...EVENT, id });
      await deliver(body, sign(body));
    }
    const first = await get('/v1/webhooks?limit=2', admin);
    const second = await get(`/v1/webhooks?limit=2&after=${first.json.next}`, admin);
    const events = [...first.json.events, ...second.json.events];
    expect(events.map(({ event }: { readonly event: string }) => event)).toEqual(['evt_1', 'evt_2', 'evt_3']);
    expect(second.json.next).toBeNull();
  });

  test('that failed too often are handled again when somebody asks for it, and others are not', async () => {
    const { deliver, sign, get, post, admin, usage, clock } = await createScene();
    const body = JSON.stringify(THIN);
    expect((await deliver(body, sign(body))).json).toEqual(RECEIVED);
    const retry = () => post('/v1/webhooks/retry', admin, { event: THIN.id });
    const listed = async () => (await get('/v1/webhooks', admin)).json.events;
    expect(await retry()).toMatchObject({ status: 404, json: { code: 'webhook_event_not_parked' } });
    for (let hours = 0; hours < 24 && (await listed())[0].status === 'pending'; hours += 1) {
      await usage.worker.tick();
      clock.advance(HOUR);
    }
    expect(await listed()).toMatchObject([
      { status: 'parked', last_error: expect.stringContaining('No such event') },
    ]);
    expect((await retry()).status).toBe(204);
    expect(await listed()).toMatchObject([{ status: 'pending', attempts: 0 }]);
  });

  test.each(['limit=0', 'status=lost', 'after=', 'account=a'])('are not listed by %s', async (query) => {
    const { get, admin } = await createScene();
    expect((await get(`/v1/webhooks?${query}`, admin)).json.code).toBe('invalid_parameter');
  });
});
