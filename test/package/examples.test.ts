import { existsSync, globSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import Stripe from 'stripe';
import { describe, expect, onTestFinished, test } from 'vitest';
import { launchChromium } from '../support/browser/chromium.ts';
import { openPage } from '../support/browser/open-page.ts';
import { type InstalledApp, installApp } from './installed-app.ts';
import { type RunningApp, startApp } from './running-app.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const COMPILER = join(REPOSITORY, 'node_modules/typescript/bin/tsc');
const TALLYBOOK = 'node_modules/tallybook/dist/cli/main.js';
const WEBHOOK_SECRET = 'whsec_example';

/** Live, as in production: nothing is sent to Stripe, since no worker runs. */
const settingsOf = ({ directory }: InstalledApp) => ({
  DATABASE_URL: join(directory, 'usage.db'),
  STRIPE_SECRET_KEY: 'sk_live_example',
  STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
  TOKEN_SECRET: 'a secret of more than thirty-two bytes',
  NEXT_TELEMETRY_DISABLED: '1',
});

/** Records usage with a key of the command line, reads it, and sends an event as Stripe signs it. */
async function useBilling(app: InstalledApp, base: string): Promise<void> {
  const env = settingsOf(app);
  const created = await app.run(
    'node',
    [TALLYBOOK, 'keys', 'create', '--scope', 'write', '--scope', 'read', '--json'],
    { env },
  );
  const headers = {
    authorization: `Bearer ${JSON.parse(created).secret}`,
    'content-type': 'application/json',
    'idempotency-key': 'order-7',
  };
  const body = JSON.stringify({ account: 'acct_1', quantity: 5 });
  const record = async () =>
    await (await fetch(`${base}/v1/usage`, { method: 'POST', headers, body })).json();
  expect(await record()).toEqual({ recorded: true, duplicate: false });
  expect(await record()).toEqual({ recorded: false, duplicate: true });
  const read = await fetch(`${base}/v1/usage?account=acct_1`, { headers });
  expect(await read.json()).toMatchObject({ account: 'acct_1', meter: 'credits', quantity: 5 });
  expect((await fetch(`${base}/v1/usage?account=acct_1`)).status).toBe(401);
  await sendEvent(`${base}/v1/webhooks/stripe`);
}

/** The signature covers the body's bytes: a server that reads and writes it anew would be noticed. */
async function sendEvent(url: string): Promise<void> {
  const event = {
    id: 'evt_1',
    object: 'v2.core.event',
    type: 'v1.billing.meter.no_meter_found',
    livemode: true,
    created: new Date().toISOString(),
  };
  const payload = JSON.stringify(event, null, 2);
  const { webhooks } = new Stripe('sk_live_example');
  const signature = webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET });
  const send = async (headers: Readonly<Record<string, string>>) =>
    await fetch(url, { method: 'POST', body: payload, headers });
  expect(await (await send({ 'Stripe-Signature': signature })).json()).toEqual({
    received: true,
    outcome: 'received',
  });
  expect((await send({})).status).toBe(400);
}

/** What the compiler says of the example, as its readers have it. */
async function typeCheck(app: InstalledApp): Promise<string> {
  const options = ['--module', 'nodenext', '--target', 'es2024', '--allowImportingTsExtensions'];
  const strict = ['--strict', '--noEmit', '--skipLibCheck', '--types', 'node'];
  return await app.run('node', [COMPILER, ...options, ...strict, 'server.ts']);
}

async function start(
  app: InstalledApp,
  command: readonly [string, ...string[]],
  base: string,
): Promise<RunningApp> {
  return await startApp(app, command, { env: settingsOf(app), health: `${base}/healthz` });
}

describe.each(['hono', 'express', 'fastify'])('%s, installed with npm', (name) => {
  test('serves the HTTP API below a path of the app, and stops when it is told to', async () => {
    const app = await installApp(`examples/${name}`);
    expect(await typeCheck(app)).toBe('');
    const server = await start(app, ['node', 'server.ts'], '/billing');
    await useBilling(app, `${server.url}/billing`);
    expect(await server.stop()).toBe(0);
  });
});

test('Bun, installed with npm, serves the HTTP API on its own SQLite', async () => {
  const app = await installApp('examples/bun');
  expect(await typeCheck(app)).toBe('');
  // The package's own command is put in place by an install script: this is what it would put there.
  const [bun = ''] = globSync(join(app.directory, 'node_modules/@oven/bun-*/bin/bun*'));
  const server = await start(app, [bun, 'server.ts'], '');
  await useBilling(app, server.url);
  expect(await server.stop()).toBe(0);
  expect(existsSync(join(app.directory, 'usage.db'))).toBe(true);
});

test('Next.js, installed with npm, serves the HTTP API and a page rendered on the server', async () => {
  const app = await installApp('examples/next');
  const next = 'node_modules/next/dist/bin/next';
  await app.run('node', [next, 'build'], { env: settingsOf(app) });
  const server = await start(app, ['node', next, 'start'], '/api/billing');
  await useBilling(app, `${server.url}/api/billing`);
  const html = await (await fetch(server.url)).text();
  expect(html).toMatch(/tallybook-meter.*<strong>5<\/strong>/s);
  const browser = await launchChromium();
  onTestFinished(() => browser.close());
  const page = await openPage(browser, server.url);
  await page.getByRole('button', { name: 'Hours' }).click();
  await page.locator('[aria-pressed=true]', { hasText: 'Hours' }).waitFor();
});

test('every example is run', () => {
  const folders = readdirSync(join(REPOSITORY, 'examples'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  expect(folders.map(({ name }) => name).sort()).toEqual(['bun', 'express', 'fastify', 'hono', 'next']);
});
