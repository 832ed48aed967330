import { describe, expect, test } from 'vitest';
import { createSubscribingWorld } from './support/subscribing-world.ts';

const PORTAL = { account: 'acct_1', return_url: 'https://app.example/account' } as const;

describe('portal', () => {
  test('customers can neither switch prices nor end at once', async () => {
    const { usage, stripe, customerWith } = await createSubscribingWorld();
    await customerWith('acct_1', 'pm_card_visa');
    await usage.subscriptions.portal(PORTAL);
    const [configuration] = (await stripe.billingPortal.configurations.list()).data;
    expect(configuration?.features).toMatchObject({
      subscription_update: { enabled: false },
      subscription_cancel: { enabled: true, mode: 'at_period_end' },
      payment_method_update: { enabled: true },
      invoice_history: { enabled: true },
    });
  });

  test('the configuration is made once, by whichever process', async () => {
    const { usage, open, stripe, customerWith } = await createSubscribingWorld();
    await customerWith('acct_1', 'pm_card_visa');
    await usage.subscriptions.portal(PORTAL);
    await usage.subscriptions.portal(PORTAL);
    await open().subscriptions.portal(PORTAL);
    expect((await stripe.billingPortal.configurations.list()).data).toHaveLength(1);
  });

  test('a configuration that somebody lets do more, or deactivates, is no longer used', async () => {
    const { usage, open, stripe, customerWith } = await createSubscribingWorld();
    await customerWith('acct_1', 'pm_card_visa');
    await stripe.billingPortal.configurations.create({ features: { invoice_history: { enabled: true } } });
    await usage.subscriptions.portal(PORTAL);
    const [ours] = (await stripe.billingPortal.configurations.list()).data;
    await stripe.billingPortal.configurations.update(ours?.id ?? '', {
      features: { subscription_cancel: { enabled: true, mode: 'immediately' } },
    });
    await open().subscriptions.portal(PORTAL);
    const [next] = (await stripe.billingPortal.configurations.list()).data;
    expect(next?.id).not.toBe(ours?.id);
    await stripe.billingPortal.configurations.update(next?.id ?? '', { active: false });
    await open().subscriptions.portal(PORTAL);
    expect((await stripe.billingPortal.configurations.list({ active: true })).data).toHaveLength(3);
  });

  test('a cancellation in the portal is seen here, taken back there, and comes to pass at the period’s end', async () => {
    const { usage, simulator, customerWith, settle, passTime } = await createSubscribingWorld();
    await customerWith('acct_1', 'pm_card_visa');
    const { stripe_subscription } = await usage.subscriptions.create({ account: 'acct_1', plan: 'fee' });
    const { url } = await usage.subscriptions.portal(PORTAL);
    expect(await (await simulator.fetch(url)).text()).toContain('Cancel');
    const act = async (action: string) => {
      const body = new URLSearchParams({ action, subscription: stripe_subscription ?? '' });
      expect((await simulator.fetch(url, { method: 'POST', body })).status).toBe(303);
      await settle();
      return await usage.subscriptions.get({ account: 'acct_1' });
    };
    expect(await act('cancel')).toMatchObject({
      status: 'active',
      cancel_at_period_end: true,
      cancel_at: '2026-02-10T12:00:00.000Z',
    });
    expect(await act('resume')).toMatchObject({ cancel_at_period_end: false, cancel_at: null });
    await act('cancel');
    await passTime(Date.UTC(2026, 1, 10, 13));
    expect(await usage.subscriptions.get({ account: 'acct_1' })).toMatchObject({
      status: 'canceled',
      ended_at: '2026-02-10T12:00:00.000Z',
    });
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({ plan: 'free' });
  });

  test('the end that was announced is noticed without a webhook', async () => {
    const { usage, stripe, customerWith, passTime } = await createSubscribingWorld({ with_webhooks: false });
    await customerWith('acct_1', 'pm_card_visa');
    const { stripe_subscription } = await usage.subscriptions.create({ account: 'acct_1', plan: 'fee' });
    await stripe.subscriptions.update(stripe_subscription ?? '', { cancel_at_period_end: true });
    await usage.accounts.sync({ account: 'acct_1' });
    await passTime(Date.UTC(2026, 1, 10, 12, 1));
    expect(await usage.accounts.get({ account: 'acct_1' })).toMatchObject({
      plan: 'free',
      subscription_status: 'canceled',
    });
  });

  test.each([
    [{ account: 'nobody' }, 'account_not_found'],
    [{ return_url: 'account' }, 'invalid_parameter'],
    [{ configuration: 'bpc_1' }, 'invalid_parameter'],
  ])('%o is refused as %s', async (change, code) => {
    const { usage, customerWith } = await createSubscribingWorld();
    await customerWith('acct_1', 'pm_card_visa');
    const refused = usage.subscriptions.portal({ ...PORTAL, ...change } as never);
    await expect(refused).rejects.toMatchObject({ code });
  });

  test('an account without a customer has no portal', async () => {
    const { usage } = await createSubscribingWorld();
    await usage.accounts.set({ account: 'acct_1' });
    await expect(usage.subscriptions.portal(PORTAL)).rejects.toMatchObject({
      code: 'subscription_not_found',
    });
  });
});
