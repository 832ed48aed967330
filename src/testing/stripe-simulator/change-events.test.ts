import type Stripe from 'stripe';
import { expect, test } from 'vitest';
import { DAY, MINUTE } from '../../../test/support/credits-scene.ts';
import { createPlanChangeScene } from '../../../test/support/plan-change-scene.ts';

async function createEventScene() {
  const scene = await createPlanChangeScene({
    webhooks: { deliver: async () => new Response(null), secret: 'whsec_changes' },
  });
  const subscription = await scene.subscribe();
  const seen = new Set<string>();
  /** What happened since the last call, oldest first. */
  const happened = async () => {
    const { data } = await scene.stripe.events.list({ limit: 100 });
    const fresh = data.filter(({ id }) => !seen.has(id)).reverse();
    for (const { id } of fresh) seen.add(id);
    return fresh;
  };
  await happened();
  return { ...scene, subscription, happened };
}

/** An object as it is in JSON, without the SDK's own types. */
const plain = (object: object): unknown => JSON.parse(JSON.stringify(object));

const types = (events: readonly Stripe.Event[]) => events.map(({ type }) => type);

test('a swap that is invoiced tells of the invoice, and of the subscription exactly what changed about it', async () => {
  const { stripe, clock, subscription, dearer, report, happened } = await createEventScene();
  clock.time += DAY;
  await report(10, { timestamp: clock.time - MINUTE });
  const updated = await stripe.subscriptions.update(subscription.id, {
    items: [{ id: subscription.items.data[0]?.id ?? '', price: dearer.id }],
    proration_behavior: 'always_invoice',
  });
  const events = await happened();
  expect(types(events)).toEqual([
    'invoiceitem.created',
    'invoice.created',
    'invoice.finalized',
    'invoice.paid',
    'invoice.payment_succeeded',
    'customer.subscription.updated',
  ]);
  const { object, previous_attributes } = events.at(-1)?.data ?? {};
  expect(plain(object ?? {})).toEqual(plain(updated));
  expect(plain(previous_attributes ?? {})).toEqual(
    plain({ items: subscription.items, latest_invoice: subscription.latest_invoice }),
  );
});

test('pausing and resuming collection, and migrating, are updates; a void invoice is told of as such', async () => {
  const { stripe, simulator, clock, subscription, report, happened, endPeriod } = await createEventScene();
  const updates = async () =>
    (await happened()).flatMap(({ type, data }) =>
      type === 'customer.subscription.updated' ? [plain(data.previous_attributes ?? {})] : [],
    );
  const resumes_at = clock.time / 1000 + 60;
  await stripe.subscriptions.update(subscription.id, { pause_collection: { behavior: 'void', resumes_at } });
  expect(await updates()).toEqual([{ pause_collection: null }]);
  clock.time += MINUTE;
  simulator.settle();
  expect(await updates()).toEqual([{ pause_collection: { behavior: 'void', resumes_at } }]);

  await stripe.subscriptions.update(subscription.id, { pause_collection: { behavior: 'void' } });
  await report(10);
  endPeriod();
  expect(types(await happened())).toEqual([
    'customer.subscription.updated',
    'invoice.created',
    'invoice.finalized',
    'invoice.voided',
    'customer.subscription.updated',
  ]);
});

test('a pause and its end are told of by events of their own', async () => {
  const { stripe, subscription, happened } = await createEventScene();
  await stripe.subscriptions.pause(subscription.id);
  expect(types(await happened())).toEqual(['customer.subscription.updated', 'customer.subscription.paused']);
  await stripe.subscriptions.resume(subscription.id);
  expect(types(await happened()).slice(-2)).toEqual([
    'customer.subscription.updated',
    'customer.subscription.resumed',
  ]);
});

test('what is done to an invoice by hand is told of', async () => {
  const { stripe, customer, happened } = await createEventScene();
  const { id } = await stripe.invoices.create({
    customer: customer.id,
    collection_method: 'send_invoice',
    days_until_due: 7,
  });
  await stripe.invoiceItems.create({ customer: customer.id, amount: 5, currency: 'usd', invoice: id });
  await stripe.invoices.update(id, { description: 'A correction' });
  await stripe.invoices.finalizeInvoice(id);
  await stripe.invoices.voidInvoice(id);
  const events = await happened();
  expect(types(events)).toEqual([
    'invoice.created',
    'invoiceitem.created',
    'invoice.updated',
    'invoice.finalized',
    'invoice.updated',
    'invoice.voided',
  ]);
  expect(plain(events[2]?.data.previous_attributes ?? {})).toEqual({ description: null });
  expect(events[4]?.data.previous_attributes).toMatchObject({ status: 'open' });
});
