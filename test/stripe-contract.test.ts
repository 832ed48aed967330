import { expect, test } from 'vitest';
import { createCreditsScene, JANUARY_31 } from './support/credits-scene.ts';
import { createSimulatedStripe } from './support/simulated-stripe.ts';
import { assertExchange, type CheckedExchange } from './support/stripe-contract/assert-exchange.ts';
import { generateContract } from './support/stripe-contract/generate-contract.ts';
import { loadStripeContract } from './support/stripe-contract/load-contract.ts';

const contract = await loadStripeContract();

/** A real exchange of the simulator, to be spoiled. */
async function exchangeOf(method: string, path: RegExp): Promise<CheckedExchange> {
  const { simulator, stripe, customer, price, meter, report } = await createCreditsScene({
    lag_minutes: [0, 0],
    webhooks: { deliver: async () => new Response(), secret: 'whsec_x' },
  });
  await report(10, { identifier: 'a' });
  await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: price.id }],
    // With an invoice from the start.
    billing_mode: { type: 'classic' },
  });
  await stripe.prices.retrieve(price.id, { expand: ['tiers'] });
  await stripe.prices.list({ lookup_keys: ['a'], limit: 10 });
  await stripe.billing.meters.listEventSummaries(meter.id, {
    customer: customer.id,
    start_time: JANUARY_31 / 1000,
    end_time: JANUARY_31 / 1000 + 60,
  });
  await stripe.invoices.list({ customer: customer.id });
  await stripe.events.list({ type: 'customer.subscription.created' });
  await stripe.customers.del(customer.id);
  const found = simulator.requests().find((request) => request.method === method && path.test(request.path));
  if (!found) throw new Error('The scene has no such exchange.');
  return structuredClone({ ...found, params: { ...found.params } });
}

/** The exchange with one value replaced, added or (undefined) removed; the path is that of the error messages. */
function spoiled(exchange: CheckedExchange, path: string, value: unknown): CheckedExchange {
  const copy = structuredClone(exchange);
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let target: unknown = { params: copy.params, answer: copy.body };
  for (const key of keys) target = Reflect.get(Object(target), key);
  if (value === undefined) Reflect.deleteProperty(Object(target), last);
  else Reflect.set(Object(target), last, value);
  return copy;
}

const PRICE = ['POST', /^\/v1\/prices$/] as const;
const EVENT = ['POST', /meter_events$/] as const;
const SUBSCRIPTION = ['POST', /^\/v1\/subscriptions$/] as const;
const INVOICES = ['GET', /^\/v1\/invoices$/] as const;
const SUMMARIES = ['GET', /event_summaries$/] as const;
const ONE_PRICE = ['GET', /^\/v1\/prices\/price/] as const;
const EVENTS = ['GET', /^\/v1\/events$/] as const;
const DELETION = ['DELETE', /^\/v1\/customers/] as const;

const SPOILED: [readonly [string, RegExp], string, unknown, string][] = [
  [PRICE, 'params.tiers_mode', 'volumetric', 'params.tiers_mode "volumetric" is not "graduated" or "volume"'],
  [PRICE, 'params.colour', 'red', 'params.colour is unknown'],
  [PRICE, 'params.currency', undefined, 'params.currency is missing'],
  [PRICE, 'params.unit_amount', '1.5', 'params.unit_amount "1.5" is not number'],
  [PRICE, 'params.unit_amount_decimal', '1,5', 'params.unit_amount_decimal "1,5" is not decimal'],
  [PRICE, 'params.active', 'yes', 'params.active "yes" is not boolean'],
  [PRICE, 'params.tiers.1.up_to', 'infinity', 'params.tiers[1].up_to "infinity" is not "inf" or number'],
  [PRICE, 'params.tiers.0.up_to', undefined, 'params.tiers[0].up_to is missing'],
  [PRICE, 'params.tiers.0.color', 'red', 'params.tiers[0].color is unknown'],
  [PRICE, 'params.tiers', 'none', 'params.tiers "none" is not an array'],
  [PRICE, 'params.recurring', 'month', 'params.recurring "month" is not an object'],
  [PRICE, 'params.recurring.usage_type', 'counted', 'params.recurring.usage_type "counted" is not'],
  [EVENT, 'params.timestamp', '1.5', 'params.timestamp "1.5" is not number'],
  [EVENT, 'params.payload', undefined, 'params.payload is missing'],
  [EVENT, 'params.payload.nested', { a: 'b' }, 'params.payload.nested {"a":"b"} is not string'],
  [SUBSCRIPTION, 'params.items.0.quantity', 'many', 'params.items[0].quantity "many" is not number'],
  [SUBSCRIPTION, 'params.billing_mode', { type: 'modern' }, 'params.billing_mode.type "modern" is not'],
  [SUMMARIES, 'params.customer', undefined, 'params.customer is missing'],
  [PRICE, 'answer.colour', 'red', 'answer.colour is unknown'],
  [PRICE, 'answer.unit_amount_decimal', undefined, 'answer.unit_amount_decimal is missing'],
  [PRICE, 'answer.unit_amount_decimal', 1.5, 'answer.unit_amount_decimal 1.5 is not decimal or null'],
  [PRICE, 'answer.created', '1', 'answer.created "1" is not number'],
  [PRICE, 'answer.object', 'plan', 'answer.object "plan" is not "price"'],
  [PRICE, 'answer.tiers_mode', 'volumetric', 'answer.tiers_mode "volumetric" is not'],
  [PRICE, 'answer.deleted', true, 'answer.deleted true is not absent'],
  [PRICE, 'answer.product', { id: 'x' }, 'answer.product'],
  [PRICE, 'answer.metadata', { a: 1 }, 'answer.metadata.a 1 is not string'],
  [ONE_PRICE, 'answer.tiers.0.flat_amount', undefined, 'answer.tiers[0].flat_amount is missing'],
  [
    SUBSCRIPTION,
    'answer.items.data.0.current_period_end',
    undefined,
    'data[0].current_period_end is missing',
  ],
  [SUBSCRIPTION, 'answer.current_period_end', 1, 'answer.current_period_end is unknown'],
  [SUBSCRIPTION, 'answer.items.data.0.plan.usage_type', 'x', 'data[0].plan.usage_type "x" is not'],
  [
    SUBSCRIPTION,
    'answer.pending_setup_intent',
    { id: 'seti' },
    'SetupIntent (which the contract does not cover)',
  ],
  [INVOICES, 'answer.has_more', undefined, 'answer.has_more is missing'],
  [INVOICES, 'answer.data.0.lines.data.0.pricing.type', 'x', 'pricing.type "x" is not "price_details"'],
  [INVOICES, 'answer.data.0.status', 'unpaid', 'answer.data[0].status "unpaid" is not'],
  [SUMMARIES, 'answer.data.0.aggregated_value', '10', 'answer.data[0].aggregated_value "10" is not number'],
  // Of an event that fits no type of the SDK's, another type tells what is wrong.
  [EVENTS, 'answer.data.0.data.object.currency', undefined, 'answer.data[0]'],
  [EVENTS, 'answer.data.0.data.previous_attributes', { colour: 1 }, 'answer.data[0]'],
  [EVENTS, 'answer.data.0.type', 'unicorn.born', 'answer.data[0]'],
  [DELETION, 'answer.deleted', false, 'answer.deleted false is not true'],
];

test.each(SPOILED)('the contract of %s fails for %s = %j', async ([method, route], path, value, reason) => {
  const exchange = await exchangeOf(method, route);
  expect(() => assertExchange(contract, exchange)).not.toThrow();
  const broken = () => assertExchange(contract, spoiled(exchange, path, value));
  expect(broken).toThrow(reason);
  expect(broken).toThrow(`${exchange.method} ${exchange.path}`);
});

const REFUSAL = { type: 'invalid_request_error', message: 'No.' };

test.each([
  [{ error: REFUSAL }, null],
  [{ error: { ...REFUSAL, code: 'x', param: 'y', doc_url: 'z' } }, null],
  [{ error: { ...REFUSAL, type: 'bad_request' } }, 'answer.error.type "bad_request" is not'],
  [{ error: { type: REFUSAL.type } }, 'answer.error.message is missing'],
  [{ error: { ...REFUSAL, reason: 'x' } }, 'answer.error.reason is unknown'],
  [{ message: 'No.' }, 'answer.error is missing'],
])("the refusal %j is held to Stripe's error format", (body, reason) => {
  const refused = () =>
    assertExchange(contract, { method: 'GET', path: '/v1/prices/x', params: {}, status: 404, body });
  if (reason === null) refused();
  else expect(refused).toThrow(reason);
});

test('a route that the SDK does not have breaks the contract', () => {
  const exchange = { method: 'GET', path: '/v1/unicorns', params: {}, status: 200, body: {} };
  expect(() => assertExchange(contract, exchange)).toThrow(
    'GET /v1/unicorns (200): the SDK has no such route',
  );
});

test('an answer that never came, or that a fault made unreadable, is not held to it; its request is', () => {
  const lost = { method: 'POST', path: '/v1/customers', status: null, body: null };
  assertExchange(contract, { ...lost, params: { name: 'Ada' } });
  assertExchange(contract, { ...lost, status: 200, params: { name: 'Ada' } });
  expect(() => assertExchange(contract, { ...lost, params: { nam: 'Ada' } })).toThrow(
    'params.nam is unknown',
  );
});

test('a violation surfaces although the code under test swallows the refusal', async () => {
  const { stripe, assertContract } = createSimulatedStripe();
  assertContract();
  const params = {
    currency: 'usd',
    product_data: { name: 'x' },
    unit_amount: 1,
    tiers_mode: 'volumetric',
  } as const;
  await stripe.prices.create(params).catch(() => {});
  expect(assertContract).toThrow('POST /v1/prices (400): params.tiers_mode "volumetric"');
  // Whoever has seen it has reported it: it does not fail this test again.
  assertContract();
});

test('the contract covers what the simulator serves, with closed enums, and nothing dangles', () => {
  const fresh = generateContract();
  expect(fresh).toEqual(contract);
  const routes = fresh.routes.map(({ method, path }) => `${method} ${path}`);
  expect(new Set(routes).size).toBe(routes.length);
  expect(routes).toEqual(
    expect.arrayContaining([
      'POST /v1/customers',
      'DELETE /v1/customers/:id',
      'POST /v1/products',
      'POST /v1/prices',
      'POST /v1/billing/meters/:id/deactivate',
      'GET /v1/billing/meters/:id/event_summaries',
      'POST /v1/billing/meter_events',
      'DELETE /v1/subscriptions/:id',
      'POST /v1/invoices/:id/finalize',
    ]),
  );
  const text = JSON.stringify(fresh);
  for (const [, name = ''] of text.matchAll(/"kind":"ref","name":"((?:[^"\\]|\\.)*)"/g)) {
    expect(fresh.definitions).toHaveProperty([JSON.parse(`"${name}"`)]);
  }
  expect(text).not.toContain('OtherString');
});
