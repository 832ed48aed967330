import { expect, test } from 'vitest';
import { createBilled } from './billed.ts';
import { createServed } from './served.ts';

const DAY = 24 * 60 * 60_000;
const MONTHS_PASSED = 70 * DAY;
const ACCOUNT = 'acct_1';
const OTHER = 'acct_2';

/** Two accounts on `pro` with three seats, two periods later; the first has used something in the first of them. */
async function createScene() {
  const billed = await createBilled();
  for (const account of [ACCOUNT, OTHER]) await billed.subscribe(account);
  await billed.usage.increment({ account: ACCOUNT, quantity: 70 });
  await billed.pass(MONTHS_PASSED);
  const { token } = await billed.usage.tokens.create({ account: ACCOUNT });
  return { ...billed, token };
}

test('a browser token reads what its account was billed, line by line, and nothing else', async () => {
  const { get, token } = await createScene();
  const { status, json } = await get('/v1/invoices', token);
  expect(status).toBe(200);
  expect(json.next).toBeNull();
  expect(json.invoices.map(({ total }: { readonly total: number }) => total)).toEqual([9_300, 9_440, 9_300]);
  expect(json.invoices[1]).toEqual({
    invoice: expect.stringMatching(/^in_/),
    number: expect.any(String),
    status: 'paid',
    currency: 'usd',
    total: 9_440,
    created_at: '2026-02-10T12:00:00.000Z',
    finalized_at: '2026-02-10T13:00:00.000Z',
    hosted_invoice_url: expect.stringMatching(/^http/),
    lines: expect.arrayContaining([
      {
        description: expect.stringContaining('70'),
        meter: 'credits',
        quantity: 70,
        unit_amount_decimal: '2',
        amount: 140,
        period_start: '2026-01-10T12:00:00.000Z',
        period_end: '2026-02-10T12:00:00.000Z',
      },
      {
        description: expect.any(String),
        meter: null,
        quantity: 3,
        unit_amount_decimal: '3100',
        amount: 9_300,
        period_start: '2026-02-10T12:00:00.000Z',
        period_end: '2026-03-10T12:00:00.000Z',
      },
    ]),
  });
});

test('its pages are those of the whole, and end', async () => {
  const { get, token } = await createScene();
  const whole = (await get('/v1/invoices', token)).json.invoices;
  const paged = [];
  let path = '/v1/invoices?limit=1';
  for (let pages = 0; pages < whole.length; pages += 1) {
    const { json } = await get(path, token);
    paged.push(...json.invoices);
    path = `/v1/invoices?limit=1&after=${json.next}`;
    expect(json.next === null).toBe(pages === whole.length - 1);
  }
  expect(paged).toEqual(whole);
});

test('an invoice of another account is no place in the list, and neither is one that does not exist', async () => {
  const { get, token, usage } = await createScene();
  const [foreign] = (await usage.invoices.list({ account: OTHER })).invoices;
  for (const after of [foreign?.invoice, 'in_unknown', 'acct_2']) {
    const { status, json } = await get(`/v1/invoices?after=${after}`, token);
    expect([status, json.code, json.field]).toEqual([400, 'invalid_parameter', 'after']);
  }
});

test('an invoice that bills nothing is left out, and a whole page of them does not end the list', async () => {
  const { usage, stripe, simulator, pass } = await createBilled();
  const { data: prices } = await stripe.prices.list({ lookup_keys: ['tallybook:pro:month:credits'] });
  const customer = await stripe.customers.create({});
  await stripe.subscriptions.create({
    customer: customer.id,
    items: prices.map(({ id }) => ({ price: id })),
    billing_mode: { type: 'classic' }, // Which has an invoice at its start.
  });
  await usage.accounts.set({ account: ACCOUNT, plan: 'pro', stripe_customer: customer.id });
  await usage.increment({ account: ACCOUNT, quantity: 5 });
  await pass(MONTHS_PASSED);
  // The start, the month of the usage, and a month without any.
  expect(simulator.invoices(customer.id).map(({ total }) => total)).toEqual([0, 10, 0]);
  const { invoices, next } = await usage.invoices.list({ account: ACCOUNT, limit: 1 });
  expect(invoices.map(({ total }) => total)).toEqual([10]);
  const rest = await usage.invoices.list({ account: ACCOUNT, ...(next === null ? {} : { after: next }) });
  expect(rest).toEqual({ invoices: [], next: null });
});

test('an account that nothing bills has none, also where Stripe is not configured', async () => {
  const { usage, get, createKey } = createServed();
  await usage.increment({ account: ACCOUNT });
  const key = await createKey(['read']);
  expect((await get(`/v1/invoices?account=${ACCOUNT}`, key)).json).toEqual({ invoices: [], next: null });
  await usage.accounts.set({ account: ACCOUNT, stripe_customer: 'cus_1' });
  expect((await get(`/v1/invoices?account=${ACCOUNT}`, key)).json.code).toBe('stripe_unavailable');
});

test.each(['limit=0', 'limit=101', 'limit=1e1', 'limit=', 'after=', 'meter=credits'])(
  'refuses %s',
  async (query) => {
    const { usage, get, createKey } = createServed();
    await usage.increment({ account: ACCOUNT });
    const { status, json } = await get(`/v1/invoices?account=${ACCOUNT}&${query}`, await createKey(['read']));
    expect([status, json.code]).toEqual([400, 'invalid_parameter']);
  },
);
