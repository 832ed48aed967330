import { expect, test } from 'vitest';
import { DAY } from '../../../test/support/credits-scene.ts';
import { createPlanChangeScene } from '../../../test/support/plan-change-scene.ts';
import { SimulatorState } from './state.ts';

test('the records of a customer are found among those of all others, in the order of their creation', () => {
  const { invoiceItems } = new SimulatorState();
  const line = {
    subscription: null,
    subscription_item: null,
    invoice_item: null,
    price: null,
    amount: 1,
    description: '',
    quantity: 1,
    unit_amount_decimal: null,
    proration: false,
    period: { start: 0, end: 0 },
    metadata: {},
  };
  const put = (id: string, customer: string, invoice: string | null = null) =>
    invoiceItems.put({ id, created: 0, customer, currency: 'usd', invoice, line });
  put('ii_1', 'a');
  put('ii_2', 'b');
  put('ii_3', 'a');
  put('ii_1', 'a', 'in_1');
  const ids = (customer: string) => invoiceItems.of(customer).map(({ id, invoice }) => [id, invoice]);
  expect(ids('a')).toEqual([
    ['ii_1', 'in_1'],
    ['ii_3', null],
  ]);
  invoiceItems.delete('ii_1');
  expect([ids('a'), ids('b'), ids('c')]).toEqual([[['ii_3', null]], [['ii_2', null]], []]);
});

test('lists of a customer or a subscription show nothing of others', async () => {
  const { clock, stripe, subscribe, price } = await createPlanChangeScene();
  const own = await subscribe();
  const other = await stripe.customers.create({});
  const theirs = await stripe.subscriptions.create({ customer: other.id, items: [{ price: price.id }] });
  clock.time += 70 * DAY;
  const { data: invoices } = await stripe.invoices.list({ subscription: theirs.id });
  expect(invoices.map(({ customer }) => customer)).toEqual([other.id, other.id]);
  expect((await stripe.invoices.list({ customer: other.id })).data).toEqual(invoices);
  expect((await stripe.invoices.list({ customer: other.id, subscription: own.id })).data).toEqual([]);
  const { data } = await stripe.subscriptions.list({ customer: other.id });
  expect(data.map(({ id }) => id)).toEqual([theirs.id]);
});
