import fc from 'fast-check';
import Stripe from 'stripe';
import { expect, test } from 'vitest';
import { createPlanChangeScene, type PlanChangeScene } from '../../../test/support/plan-change-scene.ts';

/** What an operation is made of: small numbers that choose, so that a failing run shrinks well. */
interface Step {
  readonly wait_s: number;
  readonly operation: number;
  readonly choice: number;
  readonly quantity: number;
}

const BEHAVIORS = ['create_prorations', 'always_invoice', 'none'] as const;
const PAUSES = ['keep_as_draft', 'mark_uncollectible', 'void'] as const;

/** The operations of one subscription; what Stripe refuses in a given state is refused, and nothing else goes wrong. */
function operationsOn(
  { stripe, customer, clock, ...scene }: PlanChangeScene,
  prices: readonly string[],
  id: string,
) {
  const chosen = <T>(options: readonly [T, ...T[]], choice: number): T =>
    options[choice % options.length] ?? options[0];
  const itemsOf = async () => (await stripe.subscriptions.retrieve(id)).items.data;
  const licensed = (price: string) => prices.indexOf(price) > 1;
  const quantityOf = (price: string, quantity: number) => (licensed(price) ? { quantity } : {});
  return [
    () => scene.report(5, { timestamp: clock.time - 1_000 }),
    async ({ choice, quantity }: Step) => {
      const items = await itemsOf();
      const item = items[choice % items.length];
      const price = prices[quantity % prices.length] ?? '';
      const change = { id: item?.id ?? '', price, ...quantityOf(price, quantity) };
      await stripe.subscriptions.update(id, {
        items: [change],
        proration_behavior: chosen(BEHAVIORS, choice),
      });
    },
    async ({ choice, quantity }: Step) => {
      const price = prices[choice % prices.length] ?? '';
      await stripe.subscriptionItems.create({ subscription: id, price, ...quantityOf(price, quantity) });
    },
    async ({ choice }: Step) => {
      const items = await itemsOf();
      await stripe.subscriptionItems.del(items[choice % items.length]?.id ?? '', {
        proration_behavior: chosen(BEHAVIORS, choice),
      });
    },
    ({ choice }: Step) =>
      stripe.subscriptions.update(id, { trial_end: choice % 2 === 0 ? 'now' : clock.time / 1000 + 86_400 }),
    ({ choice }: Step) =>
      stripe.subscriptions.update(id, {
        billing_cycle_anchor: { type: 'now' },
        proration_behavior: chosen(BEHAVIORS, choice),
      }),
    ({ choice }: Step) =>
      stripe.subscriptions.update(id, {
        pause_collection: choice % 4 === 0 ? '' : { behavior: chosen(PAUSES, choice) },
      }),
    () => stripe.subscriptions.pause(id),
    ({ choice }: Step) =>
      stripe.subscriptions.resume(id, {
        billing_cycle_anchor: { type: choice % 2 === 0 ? 'now' : 'unchanged' },
        proration_behavior: chosen(BEHAVIORS, choice),
      }),
    ({ quantity }: Step) =>
      stripe.invoiceItems.create({ customer: customer.id, amount: quantity * 10, currency: 'usd' }),
    () =>
      stripe.invoices.create({
        customer: customer.id,
        auto_advance: true,
        pending_invoice_items_behavior: 'include',
      }),
    () => stripe.subscriptions.migrate(id, { billing_mode: { type: 'flexible' } }),
    ({ choice }: Step) =>
      stripe.subscriptions.update(id, { cancel_at: choice % 2 === 0 ? '' : clock.time / 1000 + 20 * 86_400 }),
    () => stripe.invoices.createPreview({ subscription: id }),
    ({ choice }: Step) =>
      choice % 5 === 0 ? stripe.subscriptions.cancel(id, { invoice_now: true, prorate: true }) : itemsOf(),
  ];
}

/** What no order of operations may break. */
async function assertBooks({ stripe, customer }: PlanChangeScene): Promise<void> {
  const invoices = await stripe.invoices
    .list({ customer: customer.id, limit: 100 })
    .autoPagingToArray({ limit: 1_000 });
  const items = await stripe.invoiceItems
    .list({ customer: customer.id, limit: 100 })
    .autoPagingToArray({ limit: 1_000 });
  const onLines = invoices.flatMap(({ lines }) =>
    lines.data.flatMap(({ parent }) => {
      const { subscription_item_details, invoice_item_details } = parent ?? {};
      return subscription_item_details?.invoice_item ?? invoice_item_details?.invoice_item ?? [];
    }),
  );
  const billed = items.filter(({ invoice }) => invoice !== null).map(({ id }) => id);
  // Every invoice item is pending, or on exactly one invoice.
  expect([...onLines].sort()).toEqual([...billed].sort());
  for (const { total, lines } of invoices) {
    expect(total).toBe(lines.data.reduce((sum, { amount }) => sum + amount, 0));
  }
  const finals = invoices.filter(({ status }) => status === 'paid').reverse();
  const shown = await stripe.customers.retrieve(customer.id);
  const balance = shown.deleted ? null : shown.balance;
  // What was paid and what is credited now is all that was billed.
  const paid = finals.reduce((sum, { amount_paid }) => sum + amount_paid, 0);
  expect(paid + (balance ?? 0)).toBe(finals.reduce((sum, { total }) => sum + total, 0));
}

test('whatever is asked for, in whatever order, the books balance and every answer keeps to the contract', async () => {
  const step = fc.record({
    wait_s: fc.integer({ min: 0, max: 12 * 86_400 }),
    operation: fc.nat(14),
    choice: fc.nat(9),
    quantity: fc.integer({ min: 1, max: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 25 }),
      fc.constantFrom('flexible' as const, 'classic' as const),
      async (steps, type) => {
        const scene = await createPlanChangeScene();
        const seat = await scene.licensed(333);
        const yearly = await scene.licensed(7_777, { recurring: { interval: 'year' } });
        const prices = [scene.price.id, scene.dearer.id, seat.id, yearly.id];
        const { id } = await scene.subscribe({
          billing_mode: { type },
          items: [{ price: scene.price.id }, { price: seat.id, quantity: 2 }],
        });
        const operations = operationsOn(scene, prices, id);
        for (const given of steps) {
          scene.clock.time += given.wait_s * 1_000;
          try {
            await operations[given.operation]?.(given);
          } catch (error) {
            if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
          }
        }
        scene.clock.time += 400 * 86_400_000;
        await assertBooks(scene);
      },
    ),
    { numRuns: 40 },
  );
}, 120_000);
