import { expect, test } from 'vitest';
import { DAY, FEBRUARY_28, HOUR } from '../../../test/support/credits-scene.ts';
import { createPlanChangeScene } from '../../../test/support/plan-change-scene.ts';
import type { JsonObject } from './json.ts';

/** A customer who paid 10 dollars for a month, and in its middle gives up what costs them: credit for 5. */
async function createCreditScene() {
  const scene = await createPlanChangeScene();
  const seat = await scene.licensed(1_000);
  const { id, items } = await scene.subscribe({ items: [{ price: scene.price.id }, { price: seat.id }] });
  scene.clock.time = FEBRUARY_28 - 14 * DAY;
  await scene.stripe.subscriptions.update(id, {
    items: [{ id: items.data[1]?.id ?? '', deleted: true }],
    proration_behavior: 'always_invoice',
  });
  return { ...scene, id };
}

const settlement = (invoice: JsonObject | undefined) => ({
  total: invoice?.['total'],
  amount_due: invoice?.['amount_due'],
  starting_balance: invoice?.['starting_balance'],
  ending_balance: invoice?.['ending_balance'],
});

test('a negative invoice becomes credit, which pays for the next invoices until it is used up', async () => {
  const { clock, stripe, simulator, customer, report } = await createCreditScene();
  const balance = async () => {
    const shown = await stripe.customers.retrieve(customer.id);
    return shown.deleted ? null : shown.balance;
  };
  expect(settlement(simulator.invoices(customer.id)[1])).toEqual({
    total: -500,
    amount_due: 0,
    starting_balance: 0,
    ending_balance: -500,
  });
  expect(await balance()).toBe(-500);
  await report(200);
  expect((await stripe.invoices.createPreview({ customer: customer.id })).amount_due).toBe(0);
  clock.time = FEBRUARY_28 + HOUR;
  expect(settlement(simulator.invoices(customer.id)[2])).toEqual({
    total: 400,
    amount_due: 0,
    starting_balance: -500,
    ending_balance: -100,
  });
  await report(200);
  clock.time += 35 * DAY;
  expect(settlement(simulator.invoices(customer.id)[3])).toEqual({
    total: 400,
    amount_due: 300,
    starting_balance: -100,
    ending_balance: 0,
  });
  expect(await balance()).toBe(0);
});

test('an invoice that nobody is asked to pay leaves the credit alone', async () => {
  const { clock, stripe, simulator, customer, report, id } = await createCreditScene();
  await stripe.subscriptions.update(id, { pause_collection: { behavior: 'void' } });
  await report(200);
  clock.time = FEBRUARY_28;
  const [, , invoice] = simulator.invoices(customer.id);
  expect(invoice).toMatchObject({ status: 'void', amount_due: 400, ending_balance: -500 });
});
