import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Stripe from 'stripe';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { literal } from '../src/core/source-text.ts';
import type { Usage } from '../src/index.ts';
import { ROOT } from './cli/command.ts';
import { CATALOGUE, createCatalogueScene, type Declared } from './support/catalogue-scene.ts';
import { createCreditsScene } from './support/credits-scene.ts';
import { temporaryDirectory } from './support/folders.ts';

const ONE: Declared = {
  meters: { credits: {} },
  plans: { pro: { prices: [{ currency: 'usd', interval: 'month', unit_amount_decimal: '2' }] } },
};
const DEARER: Declared = {
  meters: { credits: {} },
  plans: { pro: { prices: [{ currency: 'usd', interval: 'month', unit_amount_decimal: '3' }] } },
};
const KEY = 'tallybook:pro:month:credits';

describe('push', () => {
  test('makes meters, products and prices as configured, and then there is nothing to do', async () => {
    const { app, stripe, writes } = createCatalogueScene();
    const { catalogue } = app(CATALOGUE);
    const { changes, findings, mode } = await catalogue.compare();
    expect([mode, findings]).toEqual(['test', []]);
    expect(changes.map(({ change }) => change)).toEqual([
      'create_meter',
      'create_meter',
      'create_product',
      'create_product',
      ...Array.from({ length: 6 }, () => 'create_price'),
    ]);
    expect(writes()).toEqual([]);
    const pushed = await catalogue.push({ changes });
    expect(pushed).toMatchObject({ done: changes, left: [], changes: [], failure: null });
    expect((await catalogue.push({ changes })).done).toEqual([]);
    expect(writes()).toHaveLength(changes.length);

    const meters = await stripe.billing.meters.list();
    expect(meters.data.map(({ event_name }) => event_name)).toEqual(['ai_tokens', 'credits']);
    expect(meters.data[0]).toMatchObject({
      default_aggregation: { formula: 'sum' },
      customer_mapping: { event_payload_key: 'stripe_customer_id', type: 'by_id' },
      value_settings: { event_payload_key: 'value' },
    });
    const [found] = (await stripe.prices.list({ lookup_keys: [KEY], expand: ['data.tiers', 'data.product'] }))
      .data;
    expect(found).toMatchObject({
      currency: 'usd',
      tiers_mode: 'volume',
      tiers: [
        { up_to: 1_000, unit_amount: 2, flat_amount: null },
        { up_to: null, unit_amount: null, flat_amount: 500 },
      ],
      recurring: { interval: 'month', usage_type: 'metered', meter: meters.data[1]?.id },
      metadata: { tallybook_plan: 'pro' },
      product: { id: 'tallybook_pro', name: 'Pro', metadata: { tallybook_plan: 'pro' } },
    });
  });

  test('makes a new price when a plan changes, and leaves subscribers of the old one on theirs', async () => {
    const { push, stripe } = createCatalogueScene();
    await push(ONE);
    const [old] = (await stripe.prices.list({ lookup_keys: [KEY] })).data;
    const customer = await stripe.customers.create();
    const items = [{ price: old?.id ?? '' }];
    const { id } = await stripe.subscriptions.create({ customer: customer.id, items });
    await stripe.prices.update(old?.id ?? '', { nickname: 'Credits', metadata: { team: 'growth' } });
    const { done, left } = await push(DEARER);
    expect(done.map(({ change }) => change)).toEqual(['create_price', 'deactivate_price']);
    expect(left).toEqual([]);
    const [replacement] = (await stripe.prices.list({ lookup_keys: [KEY] })).data;
    expect(replacement).toMatchObject({
      unit_amount: 3,
      active: true,
      product: 'tallybook_pro',
      nickname: 'Credits',
      metadata: { team: 'growth', tallybook_plan: 'pro' },
    });
    expect(await stripe.prices.retrieve(old?.id ?? '')).toMatchObject({ active: false, lookup_key: null });
    const { items: kept } = await stripe.subscriptions.retrieve(id);
    expect(kept.data[0]?.price.id).toBe(old?.id);
    // Back again: a third price, since the first one's key has moved on.
    await push(ONE);
    const [third] = (await stripe.prices.list({ lookup_keys: [KEY] })).data;
    expect(third).toMatchObject({ unit_amount: 2, active: true });
    expect(third?.id).not.toBe(old?.id);
    expect((await push(ONE)).done).toEqual([]);
  });

  test('passes on what makes a price the default of its product', async () => {
    const { push, stripe } = createCatalogueScene();
    const fee = {
      currency: 'usd',
      interval: 'month',
      usage_type: 'licensed',
      unit_amount_decimal: '9',
    } as const;
    const withFee = (usage: Declared) => ({
      ...usage,
      plans: { pro: { prices: [...(usage.plans['pro']?.prices ?? []), fee] } },
    });
    await push(withFee(ONE));
    const priceOf = async () => (await stripe.prices.list({ lookup_keys: [KEY] })).data[0]?.id ?? '';
    const defaultPrice = async () => (await stripe.products.retrieve('tallybook_pro')).default_price;
    await stripe.products.update('tallybook_pro', { default_price: await priceOf() });
    expect((await push(withFee(DEARER))).left).toEqual([]);
    expect(await defaultPrice()).toBe(await priceOf());
    expect((await push({ ...ONE, plans: { pro: { prices: [fee] } } })).left).toEqual([]);
    expect(await defaultPrice()).not.toBe(await priceOf());
    // The last one has nothing to pass it on to: Stripe keeps it on sale, and push says so.
    const { left, failure } = await push({ ...ONE, plans: { pro: { prices: [] } } });
    expect(left).toMatchObject([{ change: 'deactivate_price' }]);
    expect(failure).toContain('default price');
  });

  test('takes a price that left a plan off sale, and puts it back when it returns', async () => {
    const { push, stripe } = createCatalogueScene();
    const [month] = ONE.plans['pro']?.prices ?? [];
    if (!month) throw new Error('The plan has a price.');
    const year = { ...month, interval: 'year' as const };
    const both = { ...ONE, plans: { pro: { prices: [month, year] } } };
    await push(both);
    expect((await push(ONE)).done).toMatchObject([
      { change: 'deactivate_price', lookup_key: 'tallybook:pro:year:credits' },
    ]);
    expect((await push(both)).done).toMatchObject([
      { change: 'activate_price', lookup_key: 'tallybook:pro:year:credits' },
    ]);
    expect((await push({ ...ONE, plans: { pro: { prices: [] } } })).done).toHaveLength(2);
    expect((await stripe.prices.list({ active: true })).data).toEqual([]);
    // A plan that is no longer configured is somebody else's.
    await push(both);
    expect((await push({ ...ONE, plans: {} })).done).toEqual([]);
  });

  test('renames its products, and puts archived ones back on sale', async () => {
    const { push, stripe } = createCatalogueScene();
    await push(ONE);
    await stripe.products.update('tallybook_pro', { active: false });
    const { prices = [] } = ONE.plans['pro'] ?? {};
    const { done } = await push({ ...ONE, plans: { pro: { name: 'Professional', prices } } });
    expect(done.map(({ change }) => change)).toEqual(['rename_product', 'activate_product']);
    expect(await stripe.products.retrieve('tallybook_pro')).toMatchObject({
      name: 'Professional',
      active: true,
    });
  });

  test('lets a deactivated meter count again', async () => {
    const { push, stripe } = createCatalogueScene();
    await push(ONE);
    const [meter] = (await stripe.billing.meters.list()).data;
    await stripe.billing.meters.deactivate(meter?.id ?? '');
    expect((await push(ONE)).done).toEqual([
      { change: 'reactivate_meter', meter: 'credits', event_name: 'credits', stripe_meter: meter?.id },
    ]);
    expect((await push(ONE)).done).toEqual([]);
  });

  test('never changes a price that the configuration names: a difference is a finding', async () => {
    const scene = await createCreditsScene();
    const { app, writes } = createCatalogueScene({ ...scene, assertContract: () => {} });
    const price = { currency: 'usd', interval: 'month' as const, stripe_price: scene.price.id };
    const declare = (unit: string, more: object = {}): Declared => ({
      meters: { credits: {} },
      plans: { pro: { prices: [{ ...price, unit_amount_decimal: unit, ...more }] } },
    });
    const findings = async (declared: Declared) => (await app(declared).catalogue.compare()).findings;
    writes();
    expect(await findings(declare('2'))).toMatchObject([{ check: 'price_differs', where: scene.price.id }]);
    expect(await findings(declare('2', { stripe_price: 'price_x' }))).toMatchObject([
      { check: 'price_missing' },
    ]);
    await scene.stripe.prices.update(scene.price.id, { active: false });
    const checks = (await findings(declare('2'))).map(({ check }) => check);
    expect(checks).toEqual(['price_inactive', 'price_differs']);
    expect((await app(declare('2')).catalogue.compare()).changes).toEqual([]);
    expect(writes()).toEqual([`/v1/prices/${scene.price.id}`]);
  });

  test('replaces a price that was made elsewhere when it has the lookup key, without taking it off sale', async () => {
    const { push, stripe } = createCatalogueScene();
    const product = await stripe.products.create({ name: 'Shop' });
    const made = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 7,
      product: product.id,
      recurring: { interval: 'month' },
      lookup_key: KEY,
    });
    const { done } = await push(ONE);
    expect(done).toMatchObject([
      { change: 'create_meter' },
      { change: 'create_price', stripe_product: product.id, replaces: { stripe_price: made.id } },
    ]);
    expect(await stripe.prices.retrieve(made.id)).toMatchObject({ active: true, lookup_key: null });
  });

  test('does not do what it was not asked to', async () => {
    const { app, writes } = createCatalogueScene();
    const { catalogue } = app(ONE);
    const { changes } = await catalogue.compare();
    const pushed = await catalogue.push({ changes: changes.slice(0, 1) });
    expect(pushed.changes).toEqual(changes.slice(1));
    expect(writes()).toEqual(['/v1/billing/meters']);
    expect((await catalogue.push({ changes: [] })).done).toEqual([]);
  });

  test('refuses a live key without `live`, and `live` with a test key', async () => {
    const { app, writes } = createCatalogueScene();
    const test = app(ONE).catalogue.push({ changes: [], live: true });
    await expect(test).rejects.toMatchObject({ code: 'invalid_parameter', field: 'live' });
    const live = app(ONE, { stripe: { secret_key: 'sk_live_1' } }).catalogue.push({ changes: [] });
    await expect(live).rejects.toMatchObject({ code: 'invalid_parameter', field: 'live' });
    // @ts-expect-error: nothing is pushed that nobody has seen.
    const blind = app(ONE).catalogue.push({});
    await expect(blind).rejects.toMatchObject({ code: 'invalid_parameter', field: 'changes' });
    expect(writes()).toEqual([]);
  });

  test.each(['500_after', '500_before', 'reset', 'reset_after', '409', '429'] as const)(
    'converges when one request meets %s, whichever it is',
    async (kind) => {
      const total = (await createCatalogueScene().push(ONE)).done.length;
      for (let skip = 0; skip < total; skip += 1) {
        const { push, simulator, stripe } = createCatalogueScene();
        simulator.faults.add({ kind, method: 'POST', skip });
        const { left, changes } = await push(ONE);
        expect([left, changes]).toEqual([[], []]);
        expect((await stripe.prices.list({ active: true })).data).toHaveLength(1);
        expect((await stripe.billing.meters.list()).data).toHaveLength(1);
      }
    },
  );

  test('stopped in the middle, it says what is left, and the next push does that only', async () => {
    const { app, simulator, writes } = createCatalogueScene();
    const { catalogue } = app(ONE);
    const { changes } = await catalogue.compare();
    simulator.faults.add({ kind: '403', method: 'POST', skip: 1, times: Number.POSITIVE_INFINITY });
    const stopped = await catalogue.push({ changes });
    expect(stopped).toMatchObject({ done: changes.slice(0, 1), left: changes.slice(1) });
    expect(stopped.failure).toContain('permissions');
    simulator.faults.clear();
    writes();
    const { done } = await catalogue.push({ changes });
    expect(done).toEqual(changes.slice(1));
    expect(writes()).toEqual(['/v1/products', '/v1/prices']);
  });

  test('two at once make everything once', async () => {
    const { app, stripe } = createCatalogueScene();
    const apps = [app(CATALOGUE), app(CATALOGUE)];
    const compared = await Promise.all(apps.map(({ catalogue }) => catalogue.compare()));
    const results = await Promise.all(
      apps.map(({ catalogue }, index) => catalogue.push({ changes: compared[index]?.changes ?? [] })),
    );
    expect(results.map(({ left, changes }) => [...left, ...changes])).toEqual([[], []]);
    expect((await stripe.prices.list({ limit: 100 })).data).toHaveLength(6);
    expect((await stripe.products.list({ limit: 100 })).data).toHaveLength(2);
    expect((await stripe.billing.meters.list({ limit: 100 })).data).toHaveLength(2);
  });

  test('without Stripe there is nothing to compare with, and an outage is said', async () => {
    const { app, simulator } = createCatalogueScene();
    const alone = app(ONE, { stripe: null }).catalogue;
    for (const call of [alone.compare(), alone.push({ changes: [] }), alone.pull()]) {
      await expect(call).rejects.toMatchObject({ code: 'invalid_configuration', field: 'stripe' });
    }
    simulator.faults.add({ kind: '500_before', times: Number.POSITIVE_INFINITY });
    await expect(app(ONE).catalogue.compare()).rejects.toMatchObject({ code: 'stripe_unavailable' });
    await expect(app(ONE).catalogue.pull()).rejects.toMatchObject({ code: 'stripe_unavailable' });
  });
});

describe('pull', () => {
  /** The `usage` that a pulled configuration makes, on the same Stripe account. */
  async function usageOf(config: string, fetch: typeof globalThis.fetch): Promise<Usage> {
    const library = pathToFileURL(join(ROOT, 'src', 'index.ts')).href;
    const path = join(temporaryDirectory(), 'pulled.ts');
    const program = config
      .replace("'tallybook'", literal(library))
      .replace(
        /database: .*,/,
        `database: { path: ${literal(join(temporaryDirectory(), 'usage.db'))}, thread: 'in_thread' },`,
      )
      .replace(/stripe: .*,/, 'stripe: (globalThis as Record<string, unknown>).__stripe as never,');
    writeFileSync(path, program);
    const stripe = {
      secret_key: 'sk_test_simulated',
      max_requests_per_second: 1_000_000,
      config: { httpClient: Stripe.createFetchHttpClient(fetch) },
    };
    vi.stubGlobal('__stripe', stripe);
    onTestFinished(() => void vi.unstubAllGlobals());
    const { usage }: { usage: Usage } = await import(pathToFileURL(path).href);
    onTestFinished(() => usage.close());
    return usage;
  }

  test('of what push made gives a configuration that pushes nothing', async () => {
    const { push, app, simulator } = createCatalogueScene();
    await push(CATALOGUE);
    const { config, omitted } = await app(ONE).catalogue.pull();
    expect(omitted).toEqual([]);
    expect(config).toContain("tokens: { stripe_event_name: 'ai_tokens' }");
    const pulled = await usageOf(config, simulator.fetch);
    expect(await pulled.catalogue.compare()).toEqual({ mode: 'test', changes: [], findings: [] });
    expect((await pulled.catalogue.pull()).config).toBe(config);
  });

  test('of what was made elsewhere refers to it, and says what it leaves out', async () => {
    const { stripe, app, simulator } = createCatalogueScene();
    const evil = "Ada's\n*/ process.exit(1); // `$\u007bx}` \u2028";
    const meter = (event_name: string, formula: 'sum' | 'count' = 'sum') =>
      stripe.billing.meters.create({ display_name: 'x', event_name, default_aggregation: { formula } });
    const [calls, counted] = [await meter('api calls'), await meter('logins', 'count')];
    const product = (await stripe.products.create({ name: evil })).id;
    const archived = (await stripe.products.create({ name: 'Old', active: false })).id;
    const base = { currency: 'usd', unit_amount: 5 };
    const month = { interval: 'month' } as const;
    const price = async (extra: Partial<Stripe.PriceCreateParams>) =>
      (await stripe.prices.create({ ...base, product, recurring: month, ...extra })).id;
    const metered = await price({ recurring: { ...month, usage_type: 'metered', meter: calls.id } });
    const second = await price({ nickname: 'has no key, so that the other one goes first' });
    await price({ lookup_key: "it's" });
    const left = [
      await price({ recurring: { interval: 'month', interval_count: 3 } }),
      await price({ recurring: { ...month, usage_type: 'metered', meter: counted.id } }),
      await price({ currency: 'eur', recurring: { interval: 'year' } }),
    ];
    await price({ product: archived });
    const { config, omitted } = await app(ONE).catalogue.pull();
    for (const id of [...left, second]) expect(omitted.filter((text) => text.includes(id))).toHaveLength(1);
    expect(omitted.join(' ')).toMatch(/logins.*count/);
    expect(omitted.join(' ')).toContain(archived);
    expect(omitted).toHaveLength(6);
    for (const text of omitted) expect(config).toContain(`// Left out: ${text}\n`);
    expect(config).toContain(`stripe_price: '${metered}'`);
    const pulled = await usageOf(config, simulator.fetch);
    expect(await pulled.catalogue.compare()).toMatchObject({ changes: [], findings: [] });
    expect((await pulled.accounts.set({ account: 'a', plan: 'ada_s_process_exit_1_x' })).plan).not.toBeNull();
  });

  test('of an empty account gives a configuration to begin with', async () => {
    const { app, simulator } = createCatalogueScene();
    const pulled = await usageOf((await app(ONE).catalogue.pull()).config, simulator.fetch);
    const { changes } = await pulled.catalogue.compare();
    expect(changes).toEqual([{ change: 'create_meter', meter: 'credits', event_name: 'credits' }]);
  });
});
