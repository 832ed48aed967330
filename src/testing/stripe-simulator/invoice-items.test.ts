import { expect, test } from 'vitest';
import { DAY, HOUR, refusal } from '../../../test/support/credits-scene.ts';
import { createPlanChangeScene } from '../../../test/support/plan-change-scene.ts';

test('an invoice item waits for the next invoice of the cycle, with its own text and period', async () => {
  const { clock, stripe, simulator, customer, subscribe, report, endPeriod } = await createPlanChangeScene();
  const subscription = await subscribe();
  const period = { start: subscription.created - 86_400, end: subscription.created };
  const item = await stripe.invoiceItems.create({
    customer: customer.id,
    subscription: subscription.id,
    amount: 123,
    currency: 'usd',
    description: 'Usage that was left off an invoice',
    period,
    metadata: { discrepancy: 'd1' },
  });
  expect(item).toMatchObject({
    invoice: null,
    amount: 123,
    proration: false,
    date: clock.time / 1000,
    period,
  });
  await report(10);
  endPeriod();
  const invoice = simulator.invoices(customer.id)[0];
  expect(invoice).toMatchObject({
    total: 143,
    lines: {
      data: [
        {
          amount: 123,
          description: 'Usage that was left off an invoice',
          period,
          metadata: { discrepancy: 'd1' },
          parent: {
            type: 'invoice_item_details',
            invoice_item_details: { invoice_item: item.id, subscription: subscription.id, proration: false },
          },
        },
        { amount: 20 },
      ],
    },
  });
  expect((await stripe.invoiceItems.retrieve(item.id)).invoice).toBe(invoice?.['id']);
  expect(await refusal(stripe.invoiceItems.del(item.id))).toMatchObject({ code: 'invoice_not_editable' });
});

test('an item for one subscription is on no invoice of another, one for the customer is on the next of any', async () => {
  const { clock, stripe, simulator, customer, subscribe } = await createPlanChangeScene();
  const first = await subscribe();
  clock.time += DAY;
  const second = await subscribe();
  const create = (amount: number, subscription?: string) =>
    stripe.invoiceItems.create({
      customer: customer.id,
      amount,
      currency: 'usd',
      ...(subscription === undefined ? {} : { subscription }),
    });
  await create(1, second.id);
  await create(20);
  clock.time += 30 * DAY;
  simulator.settle();
  const bySubscription = async (id: string) =>
    (await stripe.invoices.list({ subscription: id })).data.map(({ total }) => total);
  expect(await bySubscription(first.id)).toEqual([20]);
  expect(await bySubscription(second.id)).toEqual([1]);
});

test('a price and a quantity make an amount; pending items can be listed and taken back', async () => {
  const { stripe, customer, licensed } = await createPlanChangeScene();
  const support = await stripe.prices.create({
    currency: 'usd',
    product_data: { name: 'Support' },
    unit_amount: 50,
  });
  const item = await stripe.invoiceItems.create({
    customer: customer.id,
    pricing: { price: support.id },
    quantity: 3,
  });
  expect(item).toMatchObject({
    amount: 150,
    quantity: 3,
    description: 'Support',
    pricing: { price_details: { price: support.id, product: support.product } },
  });
  const ids = async (pending: boolean) =>
    (await stripe.invoiceItems.list({ customer: customer.id, pending })).data.map(({ id }) => id);
  expect([await ids(true), await ids(false)]).toEqual([[item.id], []]);
  expect(await stripe.invoiceItems.del(item.id)).toMatchObject({ deleted: true });
  expect(await ids(true)).toEqual([]);
  expect((await refusal(stripe.invoiceItems.retrieve(item.id))).statusCode).toBe(404);

  const create = (params: object) =>
    refusal(stripe.invoiceItems.create({ customer: customer.id, ...params }));
  const seat = await licensed(100);
  expect(await create({})).toMatchObject({ code: 'parameter_missing', param: 'amount' });
  expect(await create({ amount: 1 })).toMatchObject({ code: 'parameter_missing', param: 'currency' });
  expect(await create({ amount: 1, currency: 'usd', pricing: { price: support.id } })).toMatchObject({
    code: 'parameters_exclusive',
  });
  expect(await create({ pricing: { price: seat.id } })).toMatchObject({ param: 'pricing[price]' });
  expect(await create({ amount: 1, currency: 'usd', subscription: 'sub_x' })).toMatchObject({
    param: 'subscription',
  });
  expect(await create({ amount: 1, currency: 'usd', period: { start: 2, end: 1 } })).toMatchObject({
    param: 'period[end]',
  });
});

test('an operator bills what is pending with one invoice, by hand or by itself within the hour', async () => {
  for (const auto_advance of [false, true]) {
    const { clock, stripe, customer, subscribe, bills } = await createPlanChangeScene();
    const { id } = await subscribe();
    const item = await stripe.invoiceItems.create({
      customer: customer.id,
      subscription: id,
      amount: 700,
      currency: 'usd',
    });
    const draft = await stripe.invoices.create({
      customer: customer.id,
      subscription: id,
      auto_advance,
      pending_invoice_items_behavior: 'include',
      metadata: { reason: 'correction' },
    });
    expect(draft).toMatchObject({
      status: 'draft',
      billing_reason: 'manual',
      total: 700,
      auto_advance,
      metadata: { reason: 'correction' },
      parent: { subscription_details: { subscription: id } },
    });
    expect((await stripe.invoiceItems.retrieve(item.id)).invoice).toBe(draft.id);
    if (auto_advance) clock.time += HOUR;
    else {
      expect(await stripe.invoices.finalizeInvoice(draft.id)).toMatchObject({ status: 'open' });
      expect(await stripe.invoices.pay(draft.id)).toMatchObject({ status: 'paid' });
    }
    expect(bills()[0]).toEqual(['paid', 700]);
  }
});

test('an invoice of nothing is made only when nothing is asked to be on it; its draft takes items', async () => {
  const { stripe, customer } = await createPlanChangeScene();
  const create = (pending_invoice_items_behavior: 'include' | 'exclude') =>
    stripe.invoices.create({ customer: customer.id, currency: 'usd', pending_invoice_items_behavior });
  expect(await refusal(create('include'))).toMatchObject({ code: 'invoice_no_customer_line_items' });
  const { id } = await create('exclude');
  const item = { customer: customer.id, amount: 5, currency: 'usd', invoice: id };
  const wrong = await stripe.invoiceItems.create(item);
  await stripe.invoiceItems.create({ ...item, amount: 9 });
  await stripe.invoiceItems.del(wrong.id);
  expect(await stripe.invoices.finalizeInvoice(id)).toMatchObject({ total: 9, parent: null });
  expect(await refusal(stripe.invoiceItems.create(item))).toMatchObject({ code: 'invoice_not_editable' });
});

test('an invoice that was sent can be paid, voided or given up, and only what makes sense then', async () => {
  const { stripe, customer } = await createPlanChangeScene();
  const open = async () => {
    const draft = await stripe.invoices.create({
      customer: customer.id,
      currency: 'usd',
      collection_method: 'send_invoice',
      days_until_due: 7,
    });
    const voiding = stripe.invoices.voidInvoice(draft.id);
    expect(await refusal(voiding)).toMatchObject({ code: 'status_transition_invalid' });
    await stripe.invoiceItems.create({
      customer: customer.id,
      amount: 5,
      currency: 'usd',
      invoice: draft.id,
    });
    return (await stripe.invoices.finalizeInvoice(draft.id)).id;
  };
  const paid = await stripe.invoices.pay(await open(), { paid_out_of_band: true });
  expect(paid).toMatchObject({ status: 'paid', amount_paid: 5, amount_remaining: 0 });
  expect(paid.status_transitions.paid_at).not.toBeNull();
  expect(await refusal(stripe.invoices.voidInvoice(paid.id))).toMatchObject({ statusCode: 400 });

  const given = await stripe.invoices.markUncollectible(await open());
  expect(given).toMatchObject({ status: 'uncollectible', amount_remaining: 5 });
  expect(given.status_transitions.marked_uncollectible_at).not.toBeNull();
  const voided = await stripe.invoices.voidInvoice(given.id);
  expect(voided.status).toBe('void');
  expect(voided.status_transitions.voided_at).not.toBeNull();
  expect(await refusal(stripe.invoices.pay(voided.id))).toMatchObject({ statusCode: 400 });
});
