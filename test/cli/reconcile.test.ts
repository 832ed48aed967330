import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { HOUR, MINUTE } from '../support/credits-scene.ts';
import { documentedCommands, programsOf } from '../support/documented-commands.ts';
import { temporaryDirectory } from '../support/folders.ts';
import { createWorld } from '../support/world.ts';
import { runCommand } from './command.ts';
import { configOf } from './world-config.ts';

/** One account on the volume price that used 70 credits, an hour later. */
async function createPayingWorld() {
  const world = await createWorld({ lag_minutes: [0, 0] });
  const { customer } = await world.subscribe();
  await world.usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
  await world.usage.increment({ account: 'acct_1', quantity: 70 });
  world.clock.advance(HOUR);
  return { ...world, customer };
}

/** What docs/reconciliation.md shows: one account that adds up, one with a foreign writer, one that is held. */
async function createDocumentedWorld() {
  const world = await createWorld({ lag_minutes: [0, 0] });
  const { usage, clock, stripe, price } = world;
  const customers: string[] = [];
  for (const account of ['acct_1', 'acct_2', 'acct_3']) {
    const { customer } = await world.subscribe();
    customers.push(customer.id);
    await usage.accounts.set({ account, plan: 'pro', stripe_customer: customer.id });
  }
  await usage.increment({ account: 'acct_1', quantity: 1_200 });
  await usage.increment({
    account: 'acct_2',
    quantity: 70,
    idempotency_key: 'request_1',
    properties: { model: 'large' },
  });
  clock.advance(5 * MINUTE);
  await usage.increment({
    account: 'acct_2',
    quantity: 12,
    idempotency_key: 'request_2',
    properties: { model: 'small' },
  });
  await world.passTime(Date.UTC(2026, 0, 12));
  const second = await stripe.subscriptions.create({
    customer: customers[2] ?? '',
    items: [{ price: price.id }],
    billing_mode: { type: 'flexible' },
  });
  clock.advance(HOUR);
  await usage.increment({ account: 'acct_3', quantity: 40 });
  clock.advance(HOUR);
  await usage.report();
  await stripe.billing.meterEvents.create({
    event_name: 'credits',
    payload: { stripe_customer_id: customers[1] ?? '', value: '5' },
    timestamp: Date.UTC(2026, 0, 11, 9) / 1_000,
  });
  return { ...world, second, first: customers[0] ?? '' };
}

type DocumentedWorld = Awaited<ReturnType<typeof createDocumentedWorld>>;

/** Of the first account, when its billing period is over. */
async function lastInvoice({ stripe, second, passTime, first }: DocumentedWorld): Promise<string> {
  await stripe.subscriptions.cancel(second.id);
  await passTime(Date.UTC(2026, 1, 10, 14));
  const { data } = await stripe.invoices.list({ customer: first, limit: 1 });
  return data[0]?.id ?? '';
}

/** The simulator numbers what it makes: the ids in the document need not be the same. */
function withoutIds(text: string): string {
  return text.replaceAll(/\b(cus|in|si)_\w+|\bSIM-\w+/g, '[id]');
}

test('docs/reconciliation.md shows what the commands print, in lines that fit a terminal', async () => {
  const world = await createDocumentedWorld();
  const commands = documentedCommands('docs/reconciliation.md');
  expect(commands.map(({ args }) => args[0])).toEqual(['reconcile', 'reports', 'explain', 'explain']);
  const run = async (args: readonly string[]) => runCommand([...args, '--config', await configOf(world)]);
  for (const { args, output } of commands) {
    const { code, stdout, stderr } = await run(
      args[2]?.startsWith('in_') ? [...args.slice(0, 2), await lastInvoice(world)] : args,
    );
    expect(stderr).toBe('');
    expect(withoutIds(stdout)).toBe(withoutIds(output));
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(code).toBe(args[0] === 'reconcile' ? 1 : 0);
  }
});

test('docs/reconciliation.md shows a program that goes through all accounts', async () => {
  const world = await createDocumentedWorld();
  const config = await configOf(world);
  const [program = ''] = programsOf('docs/reconciliation.md');
  const path = join(dirname(config), 'reconcile.ts');
  writeFileSync(path, program);
  // The simulator answers in this process, which must not stand still.
  const { stdout } = await promisify(execFile)(process.execPath, [path], { cwd: dirname(config) });
  expect(stdout).toMatch(/^acct_2 .*foreign_writer.*acct_3 .*held/s);
});

describe('reconcile', () => {
  test('ends with 0 where nothing differs, and shows equal lines when asked to', async () => {
    const world = await createPayingWorld();
    await world.usage.report();
    const config = await configOf(world);
    const silent = await runCommand(['reconcile', '--config', config]);
    expect(silent).toMatchObject({ code: 0, stdout: '1 compared, 0 with a discrepancy.\n' });
    const { code, stdout } = await runCommand(['reconcile', '--all', '--config', config]);
    expect(stdout).toMatch(
      /^account +meter .*\nacct_1 +credits +2026-01-10\.\.2026-02-10 +70 +70 +70 +– +0\n/,
    );
    expect(code).toBe(0);
  });

  test('prints one JSON document with the same lines as the method, and 1 on a discrepancy', async () => {
    const world = await createPayingWorld();
    await world.usage.report();
    await world.stripe.billing.meterEvents.create({
      event_name: 'credits',
      payload: { stripe_customer_id: world.customer.id, value: '5' },
      timestamp: Math.floor(world.clock.now() / 1_000) - 600,
    });
    const period = '2026-01-01..2026-02-01';
    const args = ['reconcile', '--json', '--account', 'acct_1', '--period', period];
    const { code, stdout } = await runCommand([...args, '--config', await configOf(world)]);
    expect(code).toBe(1);
    const { lines } = await world.usage.reconcile({
      account: 'acct_1',
      period: { period_start: '2026-01-01', period_end: '2026-02-01' },
    });
    expect(JSON.parse(stdout)).toEqual({ lines, summary: { lines: 1, discrepancies: 1 } });
    expect(lines[0]?.causes[0]?.cause).toBe('foreign_writer');
  });

  test('a JSON document that is broken off is one all the same, and says so', async () => {
    const config = join(temporaryDirectory(), 'tallybook.config.ts');
    writeFileSync(
      config,
      `const page = { lines: [{ account: 'acct_1' }, { account: 'acct_2' }], discrepancies: 0, next: 'acct_2' };
      const reconcile = async ({ after }) => {
        if (after === undefined) return page;
        throw new Error('The line is dead.');
      };
      const nothing = () => {};
      export const usage = {
        worker: { start: nothing }, reconcile, reports: { list: nothing }, catalogue: { push: nothing }, close: nothing,
      };`,
    );
    const { code, stdout, stderr } = await runCommand(['reconcile', '--json', '--config', config]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      lines: [{ account: 'acct_1' }, { account: 'acct_2' }],
      error: 'The line is dead.',
    });
    expect(stderr).toContain('The line is dead.');
  });

  test('where there is nothing to compare, the JSON document is empty', async () => {
    const config = await configOf(await createWorld({ with_stripe: false }));
    const { stdout } = await runCommand(['reconcile', '--json', '--config', config]);
    expect(JSON.parse(stdout)).toEqual({ lines: [], summary: { lines: 0, discrepancies: 0 } });
  });

  test('ends with 1 where Stripe cannot be read, and tells no key', async () => {
    const world = await createPayingWorld();
    await world.usage.report();
    const config = await configOf(world);
    await world.simulator.close();
    const { code, stdout, stderr } = await runCommand(['reconcile', '--config', config]);
    expect(code).toBe(1);
    expect(stdout).toContain('! unread');
    expect(stdout + stderr).not.toContain('sk_test');
  });
});

test.each([
  [['reconcile', '--period', '2026-13'], '2026-13'],
  [['reconcile', '--period', '2026-02-01..2026-01-01'], 'END is after START'],
  [['reconcile', '--period', '2026-02-01..soon'], 'both are dates'],
  [['reconcile', '--account', 'nobody'], 'does not exist'],
  [['reconcile', '--acount', 'a'], '--acount'],
  [['explain', 'acct_1'], 'report-or-invoice'],
  [['explain', 'acct_1', 'x'], 'in_'],
  [['explain', 'acct_1', '99'], 'no report of this number'],
  [['explain', 'nobody', '1'], 'account does not exist'],
  [['explain', 'acct_1', '1', '--limit', '0'], 'from 1'],
  [['explain', 'acct_1', '1', '--meter', 'tokens'], 'tokens'],
  [['reports', '--status', 'lost'], 'statuses are'],
  [['reports', '--status', 'held,lost'], 'See `tallybook reports --help`'],
  [['reports', '--after', 'x'], 'next'],
  [['reconcile', '--json', '--account', 'nobody'], 'does not exist'],
])('%j is wrong use: 2, in one line that says what is wrong', async (args, words) => {
  const world = await createWorld({ with_stripe: false });
  await world.usage.increment({ account: 'acct_1' });
  const { code, stdout, stderr } = await runCommand([...args, '--config', await configOf(world)]);
  expect(stderr).toMatch(/^tallybook: [^\n]+\n$/);
  expect(stderr).toContain(words);
  expect(stdout).toBe('');
  expect(code).toBe(2);
});

test('text of others does not control the terminal, and no colours are used', async () => {
  const world = await createWorld({ with_stripe: false });
  const properties = { note: '\u001b[31mred\u001b[0m', key: 'sk_live_abcdef' };
  await world.usage.increment({ account: 'acct_1', properties });
  const { stdout } = await runCommand(['explain', 'acct_1', '1', '--config', await configOf(world)]);
  expect(stdout).toContain('red');
  expect(stdout).not.toContain('\u001b');
  expect(stdout).not.toContain('sk_live_abcdef');
});

test('entries are paged', async () => {
  const world = await createWorld({ with_stripe: false });
  for (const quantity of [1, 2, 3]) await world.usage.increment({ account: 'acct_1', quantity });
  const config = await configOf(world);
  const first = await runCommand(['explain', 'acct_1', '1', '--limit', '2', '--config', config]);
  const after = /--after (\S+)/.exec(first.stdout)?.[1] ?? '';
  const second = await runCommand(['explain', 'acct_1', '1', '--after', after, '--config', config]);
  expect(first.stdout).toContain('3 entries add up to 6.');
  expect(second.stdout.match(/^2026-01-10 12:00:00 .*$/gm)).toHaveLength(1);
});
