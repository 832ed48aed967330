import { join } from 'node:path';
import Stripe from 'stripe';
import { expect, onTestFinished, test } from 'vitest';
import { DAY_MS } from '../../src/core/instant.ts';
import { createUsage } from '../../src/index.ts';
import { temporaryDirectory } from '../support/folders.ts';
import { startDev } from './running-dev.ts';

test('usage counted over HTTP is reported and billed, on an invoice whose line names the tier', async () => {
  const dev = await startDev({ directory: temporaryDirectory() });
  for (let i = 0; i < 20; i += 1) {
    const usage = { account: 'acme', quantity: 100, idempotency_key: `request-${i}` };
    expect(await dev.post('/v1/usage', usage)).toEqual({
      status: 200,
      body: { recorded: true, duplicate: false },
    });
    expect((await dev.post('/v1/usage', usage)).body).toEqual({ recorded: false, duplicate: true });
  }
  const [before] = (await dev.state()).accounts;
  expect(before?.periods[0]).toMatchObject({
    meter: 'credits',
    quantity: 2_000,
    pending_quantity: 2_000,
    cost_text: '$30.00',
    cost_lines: ['2,000 × $0.015 = $30.00 (tier 2)'],
  });
  await dev.moveClock('period_end');

  const [invoice] = await dev.invoices('acme');
  expect(invoice).toMatchObject({ status: 'paid', total: '$30.00' });
  expect(invoice?.lines).toContainEqual(
    expect.objectContaining({ description: expect.stringContaining('Tier 2'), amount: 3_000 }),
  );
  const ended = (await dev.state()).accounts[0]?.periods.find(({ is_current }) => !is_current);
  expect(ended).toMatchObject({ quantity: 2_000, reported_quantity: 2_000, pending_quantity: 0 });
  expect(ended?.reports).toContainEqual(expect.objectContaining({ status: 'reported', quantity: 2_000 }));
  expect(await dev.stop()).toBe(0);
  for (const path of ['/operator', '/gallery']) expect(dev.output.text).toContain(dev.url + path);
});

test('ended periods are those that were billed, with what was invoiced, and every unit is in one of them', async () => {
  const dev = await startDev({ directory: temporaryDirectory() });
  const creditsOf = async (account: string) => {
    const view = (await dev.state()).accounts.find((each) => each.account === account);
    return view?.periods
      .filter(({ meter }) => meter === 'credits')
      .map(({ quantity, cost_text, cost_state, reports }) => [
        quantity,
        cost_text,
        cost_state,
        reports.map(({ report_id }) => report_id),
      ]);
  };
  await dev.post('/v1/usage', { account: 'acme', quantity: 505 });
  await dev.post('/v1/usage', { account: 'globex', quantity: 1_200 });
  await dev.moveClock('period_end');
  await dev.post('/v1/usage', { account: 'globex', quantity: 400 });
  await dev.changePlan('globex', 'scale');
  await dev.moveClock('day');
  await dev.post('/v1/usage', { account: 'globex', quantity: 7 });
  const late = new Date(Date.parse((await dev.state()).clock.now) - 5 * DAY_MS).toISOString();
  await dev.post('/v1/usage', { account: 'acme', quantity: 33, timestamp: late });

  expect(await creditsOf('acme')).toEqual([
    [33, '$0.66', 'so far', [3]],
    [505, '$10.10', 'invoiced', [1]],
  ]);
  expect(await creditsOf('globex')).toEqual([
    [7, '$0.07', 'so far', [5]],
    [400, '$8.00', 'invoiced', [3]],
    [1_200, '$18.00', 'invoiced', [1]],
  ]);
});

test('the free account is counted and never billed', async () => {
  const dev = await startDev({ directory: temporaryDirectory() });
  await dev.post('/v1/usage', { account: 'hobby', quantity: 5_000 });
  await dev.moveClock('period_end');
  const hobby = (await dev.state()).accounts.find(({ account }) => account === 'hobby');
  expect(hobby?.periods.find(({ is_current }) => !is_current)).toMatchObject({
    quantity: 5_000,
    reported_quantity: 0,
    pending_quantity: 0,
    cost_text: null,
    cost_state: 'not billed',
  });
});

test('an account without a subscription is subscribed, one with a subscription changed, at once', async () => {
  const dev = await startDev({ directory: temporaryDirectory() });
  for (const [quantity, plan] of [
    [5_000, 'pro'],
    [100, 'scale'],
    [300, 'free'],
    [7_000, 'scale'],
  ] as const) {
    await dev.post('/v1/usage', { account: 'hobby', quantity });
    await dev.moveClock('hour');
    expect(await dev.changePlan('hobby', plan)).toMatchObject({ status: 200, body: { status: 'done' } });
    expect((await dev.state()).accounts.find(({ account }) => account === 'hobby')?.plan).toBe(plan);
  }
  expect(await dev.changePlan('hobby', 'gold')).toMatchObject({ status: 400 });
  expect(await dev.changePlan('nobody', 'pro')).toMatchObject({ status: 404 });
  const lines = (await dev.invoices('hobby')).flatMap((invoice) => invoice.lines);
  const credits = lines.filter(({ description }) => description.includes('Credits'));
  expect(credits.map(({ amount }) => amount).toSorted()).toEqual([200, 300]);
});

test('after Ctrl-C a second start has the usage, the clock and the invoices', async () => {
  const directory = temporaryDirectory();
  const first = await startDev({ directory });
  await first.post('/v1/usage', { account: 'globex', quantity: 700 });
  await first.moveClock('period_end');
  await first.post('/v1/usage', { account: 'globex', quantity: 30 });
  const before = await first.state();
  const invoices = await first.invoices('globex');
  expect(await first.stop()).toBe(0);
  expect(first.output.text).toContain('The next start continues here.');

  const second = await startDev({ directory });
  const after = await second.state();
  expect(Date.parse(after.clock.now)).toBeGreaterThan(Date.parse(before.clock.now));
  expect(Date.parse(after.clock.now)).toBeLessThan(Date.parse(before.clock.now) + 60_000);
  expect(await second.quantityOf('globex', 'credits')).toBe(30);
  expect(await second.invoices('globex')).toEqual(invoices);
  expect(invoices[0]?.total).toBe('$14.00');
  await second.moveClock('period_end');
  expect((await second.invoices('globex'))[0]?.total).toBe('$0.60');
});

test('killed while the clock is being moved, it goes on after the last instant and bills all that was acknowledged', async () => {
  const directory = temporaryDirectory();
  const first = await startDev({ directory });
  await first.post('/v1/usage', { account: 'acme', quantity: 1_500 });
  await first.post('/api/clock', { to: 'period_end' });
  const seen = await first.state();
  await first.stop('SIGKILL');

  const second = await startDev({ directory });
  const resumed = await second.state();
  expect(Date.parse(resumed.clock.now)).toBeGreaterThanOrEqual(Date.parse(seen.clock.now));
  if ((await second.invoices('acme')).length === 0) await second.moveClock('period_end');
  const billed = (await second.invoices('acme')).map(({ total }) => total);
  expect(billed).toEqual(['$22.50']);
});

test('what is done at the simulated Stripe reaches the app by signed webhooks, while the clock ticks by itself', async () => {
  const directory = temporaryDirectory();
  const dev = await startDev({ directory });
  const { protocol, hostname: host, port } = new URL((await dev.state()).stripe_url);
  const stripe = new Stripe('sk_test_simulated', {
    host,
    port,
    protocol: protocol === 'https:' ? 'https' : 'http',
    telemetry: false,
  });
  const { data } = await stripe.subscriptions.list();
  const acme = data.find(({ metadata }) => metadata['account'] === 'acme');
  await stripe.subscriptions.cancel(acme?.id ?? '');

  const reader = createUsage({ database: join(directory, 'usage.db'), meters: { credits: {}, tokens: {} } });
  onTestFinished(() => reader.close());
  const arrived = async () => (await reader.webhooks.list()).events.map(({ type, status }) => [type, status]);
  const ended = ['customer.subscription.deleted', 'handled'];
  // The worker looks for events every fifteen seconds, as it does in production.
  await expect.poll(arrived, { timeout: 45_000 }).toContainEqual(ended);
  expect(await dev.stop()).toBe(0);
  expect(dev.output.text).not.toMatch(/^tallybook: /m);
});

test('an app of one’s own bills the simulated Stripe: it pushes its plan, subscribes an account and reports', async () => {
  const dev = await startDev({ directory: temporaryDirectory() });
  const { hostname: host, port } = new URL((await dev.state()).stripe_url);
  const price = { currency: 'usd', interval: 'month', meter: 'requests', unit_amount_decimal: '3' } as const;
  const usage = createUsage({
    database: join(temporaryDirectory(), 'usage.db'),
    stripe: { secret_key: 'sk_test_any', config: { host, port, protocol: 'http' } },
    meters: { requests: {} },
    plans: { team: { name: 'Team', prices: [price] } },
  });
  onTestFinished(() => usage.close());
  const { changes } = await usage.catalogue.compare();
  await usage.catalogue.push({ changes });
  const { findings } = await usage.doctor();
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  await usage.subscriptions.create({ account: 'own', plan: 'team' });
  await usage.increment({ account: 'own', quantity: 150 });
  // Reports are sealed at whole seconds.
  await expect
    .poll(async () => (await usage.report()) && (await usage.get({ account: 'own' })).reported_quantity)
    .toBe(150);
});

test('SIGTERM drains like Ctrl-C, also when npm passes the signal on a second time', async () => {
  const directory = temporaryDirectory();
  const dev = await startDev({ directory });
  const counted = Array.from({ length: 200 }, () => dev.post('/v1/usage', { account: 'acme' }));
  await Promise.all(counted);
  void dev.stop('SIGINT');
  expect(await dev.stop('SIGTERM')).toBe(0);
  const second = await startDev({ directory });
  expect(await second.quantityOf('acme', 'credits')).toBe(200);
});

test('zone and language of the machine change nothing', async () => {
  const env = { TZ: 'Asia/Kathmandu', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' };
  const dev = await startDev({ directory: temporaryDirectory(), env });
  await dev.post('/v1/usage', { account: 'acme', quantity: 1_234 });
  await dev.importCsv('TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n');
  const [acme] = (await dev.state()).accounts;
  expect(acme?.periods[0]).toMatchObject({ quantity: 1_234, cost_text: '$18.51' });
  const { imports } = await dev.state();
  expect(imports[0]).toMatchObject({
    recorded: 1,
    notes: [/tokens/, /2023-11-16T18:15:46\.680Z/].map((pattern) => expect.stringMatching(pattern)),
  });
});
