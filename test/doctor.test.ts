import { describe, expect, onTestFinished, test } from 'vitest';
import { WEBHOOK_EVENT_TYPES } from '../src/core/webhook-event.ts';
import type { Finding, Usage } from '../src/index.ts';
import { type CatalogueScene, createCatalogueScene, type Declared } from './support/catalogue-scene.ts';
import { DAY, HOUR, MINUTE } from './support/credits-scene.ts';
import { adminQuery, createDatabase } from './support/postgres/databases.ts';
import { createSimulatedStripe } from './support/simulated-stripe.ts';

const START = Date.UTC(2026, 0, 1);
const PRO = { currency: 'usd', interval: 'month', unit_amount_decimal: '2' } as const;
const DECLARED: Declared = {
  meters: { credits: {} },
  plans: { free: { prices: [] }, pro: { prices: [PRO] } },
};
const KEY = 'tallybook:pro:month:credits';
const HEALTHY = { now: START, stripe: { webhook_secret: 'whsec_1' } };

/** What is not as it should be. */
async function troubles(usage: Usage): Promise<string[]> {
  return (await usage.doctor()).findings.filter(({ severity }) => severity !== 'ok').map(brief);
}

const brief = ({ severity, check, where }: Finding) => `${severity} ${check} ${where}`;

/** A Stripe account that is set up as it should be. */
async function createHealthyScene(): Promise<CatalogueScene> {
  const scene = createCatalogueScene();
  await scene.push(DECLARED);
  const { snapshot, thin } = WEBHOOK_EVENT_TYPES;
  const url = 'https://example.com/webhooks/stripe';
  await scene.stripe.webhookEndpoints.create({ url, enabled_events: snapshot as never });
  await scene.stripe.v2.core.eventDestinations.create({
    name: 'Meter errors',
    type: 'webhook_endpoint',
    event_payload: 'thin',
    enabled_events: thin,
    webhook_endpoint: { url },
  });
  return scene;
}

/** The id of the price of `DECLARED`. */
async function priceOf({ stripe }: CatalogueScene): Promise<string> {
  return (await stripe.prices.list({ lookup_keys: [KEY] })).data[0]?.id ?? '';
}

test('where everything is as it should be, every check says so', async () => {
  const { app, writes } = await createHealthyScene();
  writes();
  const { findings, errors, warnings } = await app(DECLARED, HEALTHY).doctor();
  expect(findings.map(brief)).toEqual([
    'ok database database',
    'ok key acct_simulated',
    'ok api_version stripe',
    'ok clock clock',
    'ok meter meters.credits',
    'ok prices plans.free',
    'ok prices plans.pro',
    'ok subscriptions subscriptions',
    'ok webhooks webhook endpoints',
    'ok webhooks event destinations (thin)',
    'ok portal customer portal',
    'ok draft_window invoices',
  ]);
  expect([errors, warnings]).toEqual([0, 0]);
  expect(writes()).toEqual([]);
});

test('Stripe that is not configured is a warning', async () => {
  const { app } = createCatalogueScene();
  expect(await troubles(app(DECLARED, { stripe: null }))).toEqual(['warning stripe stripe']);
});

describe('the key', () => {
  test('that Stripe does not take is the one error', async () => {
    const { app, simulator } = createCatalogueScene();
    const usage = app(DECLARED, { stripe: { secret_key: 'sk_live_revoked' } });
    const before = simulator.requests().length;
    expect(await troubles(usage)).toEqual(['error key stripe.secret_key']);
    expect(simulator.requests().length - before).toBe(1);
  });

  test.each([
    ['/v1/account', 'account'],
    ['/v1/prices', 'meters and prices'],
    ['/v1/billing/meters', 'meters and prices'],
    ['/v1/subscriptions', 'subscriptions'],
    ['/v1/webhook_endpoints', 'webhook endpoints'],
    ['/v2/core/event_destinations', 'webhook endpoints'],
    ['/v1/billing_portal', 'customer portal'],
    ['/v1/invoices', 'invoices'],
  ])(
    'without permission for %s is an error that names the permission, and the rest is checked',
    async (path, where) => {
      const { app, simulator, stripe } = await createHealthyScene();
      const usage = app(DECLARED, HEALTHY);
      const { id } = await stripe.customers.create();
      await usage.accounts.set({ account: 'acct_1', stripe_customer: id });
      simulator.faults.add({ kind: '403', path, times: Number.POSITIVE_INFINITY });
      const { findings } = await usage.doctor();
      expect(findings.filter(({ severity }) => severity !== 'ok')).toMatchObject([
        { severity: 'error', check: 'permission', where, remedy: expect.stringContaining('read') },
      ]);
      expect(findings.length).toBeGreaterThan(7);
    },
  );
});

test('Stripe that does not answer is an error for each reading, not an exception', async () => {
  const { app, simulator } = createCatalogueScene();
  simulator.faults.add({ kind: 'reset', times: Number.POSITIVE_INFINITY });
  const found = await troubles(app(DECLARED, HEALTHY));
  expect(found.filter((text) => text.startsWith('error unreadable'))).toHaveLength(5);
});

test('a clock that differs from Stripe’s is a warning that says by how much', async () => {
  const { app } = await createHealthyScene();
  const { findings } = await app(DECLARED, { ...HEALTHY, now: START + 5 * MINUTE }).doctor();
  expect(findings[0]).toMatchObject({
    severity: 'warning',
    check: 'clock',
    what: expect.stringMatching(/5 minutes ahead/),
  });
});

describe('the database', () => {
  test('that cannot be opened is an error, and Stripe is checked nevertheless', async () => {
    const { app } = await createHealthyScene();
    const database = { path: '/nowhere/usage.db', thread: 'in_thread' } as const;
    const { findings, errors } = await app(DECLARED, { ...HEALTHY, database }).doctor();
    expect(findings[0]).toMatchObject({ severity: 'error', check: 'storage_failed', where: 'database' });
    expect(errors).toBe(1);
  });

  test('that acknowledges before it is on disk is an error, and a warning where that is allowed', async () => {
    const { app } = await createHealthyScene();
    const { url, drop } = await createDatabase();
    await adminQuery(url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET synchronous_commit = off`);
    const unsafe = app(DECLARED, { ...HEALTHY, database: url });
    const allowed = app(DECLARED, { ...HEALTHY, database: { url, allow_unsafe: true } });
    onTestFinished(async () => {
      await Promise.allSettled([unsafe.close(), allowed.close()]);
      await drop();
    });
    expect(await troubles(unsafe)).toEqual(['error storage_unsafe database']);
    expect(await troubles(allowed)).toEqual(['warning storage_unsafe database']);
  });
});

describe('meters and prices', () => {
  test('that Stripe does not have are errors', async () => {
    const { app } = createCatalogueScene();
    expect(await troubles(app(DECLARED, HEALTHY))).toEqual(
      expect.arrayContaining(['error meter_inactive meters.credits', 'error price_missing plans.pro']),
    );
  });

  test('that were deactivated, or differ, are errors', async () => {
    const scene = await createHealthyScene();
    const { app, stripe } = scene;
    const usage = app(DECLARED, HEALTHY);
    await stripe.prices.update(await priceOf(scene), { active: false });
    expect(await troubles(usage)).toEqual(['error price_inactive plans.pro']);
    const dearer = { ...DECLARED, plans: { pro: { prices: [{ ...PRO, unit_amount_decimal: '3' }] } } };
    expect(await troubles(app(dearer, HEALTHY))).toEqual(['error price_differs plans.pro']);
    const [meter] = (await stripe.billing.meters.list()).data;
    await stripe.billing.meters.deactivate(meter?.id ?? '');
    expect(await troubles(usage)).toContain('error meter_inactive meters.credits');
  });

  test('that are named and differ are errors with the price’s id', async () => {
    const scene = await createHealthyScene();
    const stripe_price = await priceOf(scene);
    const named = {
      ...DECLARED,
      plans: { pro: { prices: [{ ...PRO, unit_amount_decimal: '3', stripe_price }] } },
    };
    expect(await troubles(scene.app(named, HEALTHY))).toEqual([`error price_differs ${stripe_price}`]);
    const missing = { ...DECLARED, plans: { pro: { prices: [{ ...PRO, stripe_price: 'price_x' }] } } };
    expect(await troubles(scene.app(missing, HEALTHY))).toEqual([
      'error price_missing price_x',
      'warning catalogue plans.pro',
    ]);
  });

  test('of a meter that does not sum up are an error, and one with other keys is a warning', async () => {
    const { app, stripe } = await createHealthyScene();
    const meter = (event_name: string, formula: 'sum' | 'count') =>
      stripe.billing.meters.create({
        display_name: 'x',
        event_name,
        default_aggregation: { formula },
        customer_mapping: { type: 'by_id', event_payload_key: 'customer' },
        value_settings: { event_payload_key: 'units' },
      });
    await meter('logins', 'count');
    await meter('calls', 'sum');
    const usage = app({ meters: { credits: {}, logins: {}, calls: {} }, plans: {} }, HEALTHY);
    expect(await troubles(usage)).toEqual([
      'error meter_formula meters.logins',
      'warning meter_keys meters.calls',
    ]);
  });

  test('that push would tidy up are a warning', async () => {
    const { app, stripe } = await createHealthyScene();
    await stripe.products.update('tallybook_pro', { name: 'Old' });
    expect(await troubles(app(DECLARED, HEALTHY))).toEqual(['warning catalogue plans.pro']);
  });

  test('by volume in one plan and not in another are a warning', async () => {
    const { app, push } = await createHealthyScene();
    const tiers = [{ up_to: 'inf', unit_amount_decimal: '2' }] as const;
    const { unit_amount_decimal: _, ...rest } = PRO;
    const mixed: Declared = {
      ...DECLARED,
      plans: { ...DECLARED.plans, max: { prices: [{ ...rest, tiers_mode: 'volume', tiers }] } },
    };
    await push(mixed);
    expect(await troubles(app(mixed, HEALTHY))).toEqual(['warning tiers_mode meters.credits']);
  });
});

test('subscriptions of linked accounts in classic mode, and two prices of a meter, are found', async () => {
  const scene = await createHealthyScene();
  const { app, stripe } = scene;
  const usage = app(DECLARED, HEALTHY);
  const price = await priceOf(scene);
  for (const [account, modes] of [
    ['classic', ['classic']],
    ['twice', ['flexible', 'flexible']],
    ['fine', ['flexible']],
  ] as const) {
    const { id: customer } = await stripe.customers.create();
    await usage.accounts.set({ account, plan: 'pro', stripe_customer: customer });
    for (const type of modes) {
      await stripe.subscriptions.create({ customer, items: [{ price }], billing_mode: { type } });
    }
  }
  const { id: over } = await stripe.customers.create();
  const ended = await stripe.subscriptions.create({
    customer: over,
    items: [{ price }],
    billing_mode: { type: 'classic' },
  });
  await stripe.subscriptions.cancel(ended.id);
  await usage.accounts.set({ account: 'over', stripe_customer: over });
  expect(await troubles(usage)).toEqual(['error ambiguous_price twice', 'warning billing_mode classic']);
});

test('the subscriptions of at most 50 linked accounts are read', async () => {
  const { app, stripe, simulator } = await createHealthyScene();
  const usage = app(DECLARED, HEALTHY);
  for (let index = 0; index < 52; index += 1) {
    await usage.accounts.set({
      account: `acct_${index}`,
      stripe_customer: (await stripe.customers.create()).id,
    });
  }
  const { findings } = await usage.doctor();
  const read = simulator.requests().filter(({ path }) => path === '/v1/subscriptions');
  expect(read).toHaveLength(50);
  expect(findings.find(({ check }) => check === 'subscriptions')?.what).toContain('50 linked accounts');
});

describe('endpoints', () => {
  test('that do not exist, and a secret that is not set, are warnings', async () => {
    const { app, push } = createCatalogueScene();
    await push(DECLARED);
    expect(await troubles(app(DECLARED, { now: START }))).toEqual([
      'warning webhook_secret stripe.webhook_secret',
      'warning webhooks webhook endpoints',
      'warning webhooks event destinations (thin)',
    ]);
  });

  test('that are disabled are warnings', async () => {
    const { app, stripe } = await createHealthyScene();
    const [endpoint] = (await stripe.webhookEndpoints.list()).data;
    const [destination] = (await stripe.v2.core.eventDestinations.list()).data;
    await stripe.webhookEndpoints.update(endpoint?.id ?? '', { disabled: true });
    await stripe.v2.core.eventDestinations.disable(destination?.id ?? '');
    expect(await troubles(app(DECLARED, HEALTHY))).toHaveLength(2);
  });
});

test('a portal that lets customers switch prices or cancel at once is a warning', async () => {
  const scene = await createHealthyScene();
  const products = [{ product: 'tallybook_pro', prices: [await priceOf(scene)] }];
  await scene.stripe.billingPortal.configurations.create({
    features: {
      subscription_cancel: { enabled: true, mode: 'immediately' },
      subscription_update: { enabled: true, default_allowed_updates: ['price'], products },
    },
  });
  const found = await troubles(scene.app(DECLARED, HEALTHY));
  expect(found).toEqual([
    expect.stringMatching(/^warning portal_switch bpc_\d+ \(default\)$/),
    expect.stringMatching(/^warning portal_cancel bpc_\d+ \(default\)$/),
  ]);
});

test.each([
  [10 * MINUTE, ['warning draft_window invoices']],
  [HOUR, []],
])('drafts that stay open for %i ms are seen from invoices', async (finalize_after_ms, expected) => {
  const clock = { time: START, now: () => clock.time };
  const scene = createCatalogueScene(createSimulatedStripe({ clock, finalize_after_ms }));
  const { app, push, stripe } = scene;
  await push(DECLARED);
  const { id: customer } = await stripe.customers.create();
  await stripe.subscriptions.create({ customer, items: [{ price: await priceOf(scene) }] });
  clock.time += 32 * DAY;
  const found = await troubles(app(DECLARED, { ...HEALTHY, now: clock.time }));
  expect(found.filter((text) => text.includes('draft'))).toEqual(expected);
  clock.time += DAY;
  const later = await troubles(app(DECLARED, { ...HEALTHY, now: clock.time }));
  expect(later.filter((text) => text.includes('draft'))).toEqual(expected);
});

test('it takes no parameters, and says when it is closed', async () => {
  const usage = createCatalogueScene().app(DECLARED);
  const doctor: (params: object) => Promise<unknown> = usage.doctor;
  await expect(doctor({ fix: true })).rejects.toMatchObject({ code: 'invalid_parameter' });
  await usage.close();
  await expect(usage.doctor()).rejects.toMatchObject({ code: 'closed' });
});

test('a customer that Stripe does not know is named, and the others are looked at', async () => {
  const scene = await createHealthyScene();
  const usage = scene.app(DECLARED, HEALTHY);
  await usage.accounts.set({ account: 'acct_1', stripe_customer: 'cus_typo' });
  const { id: customer } = await scene.stripe.customers.create();
  await usage.accounts.set({ account: 'acct_2', stripe_customer: customer });
  const items = [{ price: await priceOf(scene) }];
  await scene.stripe.subscriptions.create({ customer, items, billing_mode: { type: 'classic' } });
  await expect(troubles(usage)).resolves.toEqual([
    'error customer_refused acct_1',
    'warning billing_mode acct_2',
  ]);
});
