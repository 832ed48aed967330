import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { HOUR } from '../support/credits-scene.ts';
import { createSubscribingWorld } from '../support/subscribing-world.ts';
import { createWorld } from '../support/world.ts';
import { runStripe } from './stripe-command.ts';

const FIXTURE = fileURLToPath(new URL('./subscription.fixture.json', import.meta.url));

/**
 * Stripe's own events about subscriptions and invoices, as far as its command line can cause them. It does not offer
 * `invoice.upcoming`, `invoice.finalization_failed` and `customer.subscription.resumed`. What it makes of
 * `checkout.session.completed` is no subscription but a purchase (`mode: payment`), paid through routes of Stripe's own pages
 * (`/v1/payment_pages`) that are no part of its API; completed sessions are in `test/subscribing-checkout.test.ts`.
 */
const TRIGGERS = [
  'customer.subscription.created',
  'customer.subscription.updated',
  'customer.subscription.deleted',
  'customer.subscription.paused',
  'invoice.created',
  'invoice.finalized',
  'invoice.paid',
  'invoice.payment_failed',
  'invoice.payment_succeeded',
  'invoice.payment_action_required',
  'invoice.updated',
  'invoice.voided',
];

test('a fixture of Stripe’s command line makes a subscription that is found, billed and paid', async () => {
  const { usage, simulator, stripe, clock, passTime } = await createSubscribingWorld({ with_prices: false });
  const { url } = await simulator.listen();
  await usage.accounts.set({ account: 'acct_1' });
  const { code, output } = await runStripe(url, ['fixtures', FIXTURE]);
  expect({ code, output }).toMatchObject({ code: 0 });

  // Nobody has told us of the customer but the event, which names the account.
  await passTime(clock.now() + HOUR);
  expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({
    status: 'active',
    plan: 'pro',
  });
  const { stripe_customer } = await usage.accounts.get({ account: 'acct_1' });
  await usage.increment({ account: 'acct_1', quantity: 1_001 });
  await passTime(Date.UTC(2026, 1, 11));
  const [invoice] = (await stripe.invoices.list({ customer: stripe_customer ?? '' })).data;
  // 1,001 × 1.5 cents: by volume, all of it has the price of the last tier.
  expect(invoice).toMatchObject({ status: 'paid', total: 1_502 });
});

test.each(TRIGGERS)('what Stripe’s command line causes as %s is handled', async (trigger) => {
  const { usage, simulator, clock, passTime, stripe } = await createWorld({ with_webhooks: true });
  const { url } = await simulator.listen();
  const { code, output } = await runStripe(url, ['trigger', trigger]);
  expect({ code, output }).toMatchObject({ code: 0 });

  // Once more for a customer whom an account has, so that its events ask for something.
  const [created] = simulator.requests().filter(({ path }) => path === '/v1/customers');
  const customer = String(created?.body?.['id']);
  await usage.accounts.set({ account: 'acct_1', stripe_customer: customer });
  const delivered = await stripe.events.list({ limit: 100 });
  expect(delivered.data.map(({ type }) => type)).toContain(trigger);
  await passTime(clock.now() + 2 * HOUR);
  expect(simulator.webhookAttempts().every(({ status }) => status === 200)).toBe(true);
  expect(simulator.webhookAttempts().map(({ type }) => type)).toContain(trigger);
  const { events } = await usage.webhooks.list();
  expect(events.length).toBeGreaterThan(0);
  expect(events.filter(({ status }) => status !== 'handled')).toEqual([]);
});
