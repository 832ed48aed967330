import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { createUsage } from '../../src/index.ts';
import { CREDIT_TIERS } from '../support/credits-scene.ts';
import { temporaryDirectory } from '../support/folders.ts';
import { createSimulatedStripe } from '../support/simulated-stripe.ts';
import { exitCode, outputOf, ROOT, runCommand, startCommand } from './command.ts';

function configOf(source: string): string {
  const path = join(temporaryDirectory(), 'tallybook.config.ts');
  const library = pathToFileURL(join(ROOT, 'src', 'index.ts')).href;
  writeFileSync(path, `import { createUsage } from '${library}';\n${source}\n`);
  return path;
}

test('what the app counts is reported, and SIGTERM ends the worker with success', async () => {
  const { simulator, stripe } = createSimulatedStripe({ clock: { now: () => Date.now() } });
  onTestFinished(() => simulator.close());
  const { host, port } = await simulator.listen();
  const meter = await stripe.billing.meters.create({
    display_name: 'Credits',
    event_name: 'credits',
    default_aggregation: { formula: 'sum' },
  });
  const price = await stripe.prices.create({
    currency: 'usd',
    product_data: { name: 'Credits' },
    billing_scheme: 'tiered',
    tiers_mode: 'volume',
    recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
    tiers: CREDIT_TIERS,
  });
  const customer = await stripe.customers.create({ name: 'Ada' });
  await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] });
  const database = join(temporaryDirectory(), 'usage.db');
  const app = createUsage({ database, meters: { credits: {} } });
  onTestFinished(() => app.close());
  await app.accounts.set({ account: 'acct_1', stripe_customer: customer.id });
  await app.increment({ account: 'acct_1', quantity: 42 });

  const config = configOf(`export const usage = createUsage({
    database: ${JSON.stringify(database)},
    meters: { credits: {} },
    worker_schedule: { usage: '* * * * * *' },
    stripe: {
      secret_key: 'sk_test_simulated',
      config: { host: ${JSON.stringify(host)}, port: ${port}, protocol: 'http' },
    },
  });`);
  const worker = startCommand(['worker', '--config', config]);
  const output = outputOf(worker);
  await output.waitFor(/The report job runs/);
  while (simulator.events().length === 0) await sleep(20);
  worker.kill('SIGTERM');
  expect(await exitCode(worker)).toBe(0);
  expect(output.text).toContain('Stopped');
  expect(output.text).not.toContain('sk_test');
  const [event] = simulator.events();
  expect(event).toMatchObject({ customer: customer.id });
  const { reports } = await app.get({ account: 'acct_1' });
  expect(reports).toContainEqual(expect.objectContaining({ quantity: 42, reported: true }));
});

test.for([
  ['without the export', 'export const other = 1;', 'no export `usage`'],
  ['whose export is something else', 'export const usage = { worker: {} };', 'no export `usage`'],
  ['with a mistake', 'export const usage = createUsage({ meters: {} } as never);', 'cannot be loaded'],
  ['that throws a secret', `throw new Error('no sk_live_abc, no postgres://u:pw@host');`, '[secret]'],
  [
    'with a bad cron',
    `export const usage = createUsage({ database: 'x.db', meters: { a: {} }, worker_schedule: { usage: 'soon' } });`,
    'soon',
  ],
])('a configuration %s is refused in one line', async ([, source, words]) => {
  const { code, stderr } = await runCommand(['worker', '--config', configOf(source ?? '')]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^tallybook: [^\n]+\n$/);
  expect(stderr).toContain(words);
  expect(stderr).not.toMatch(/sk_live|:pw@/);
});

test('a database that cannot be opened ends the worker at once', async () => {
  const database = join(temporaryDirectory(), 'missing', 'usage.db');
  const source = `export const usage = createUsage({ database: ${JSON.stringify(database)}, meters: { a: {} } });`;
  const { code, stderr } = await runCommand(['worker', '--config', configOf(source)]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^tallybook: [^\n]*database[^\n]*\n$/);
});
