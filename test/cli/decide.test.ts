import { userInfo } from 'node:os';
import { describe, expect, test } from 'vitest';
import { HOUR } from '../support/credits-scene.ts';
import { documentedCommands } from '../support/documented-commands.ts';
import { createWorld } from '../support/world.ts';
import { runCommand } from './command.ts';
import { configOf } from './world-config.ts';

/** What docs/reports.md decides about: one report that Stripe refused, and one that two prices would bill. */
async function createUndecidedWorld() {
  const world = await createWorld({ lag_minutes: [0, 0] });
  const { usage, stripe, clock, meter, price } = world;
  const customers = new Map<string, string>();
  for (const account of ['acct_2', 'acct_3']) {
    const { customer } = await world.subscribe();
    customers.set(account, customer.id);
    await usage.accounts.set({ account, plan: 'pro', stripe_customer: customer.id });
    await usage.increment({ account, quantity: 40 });
  }
  const customer = customers.get('acct_3') ?? '';
  const billing_mode = { type: 'flexible' } as const;
  await stripe.subscriptions.create({ customer, items: [{ price: price.id }], billing_mode });
  clock.advance(HOUR);
  await usage.report();
  await usage.increment({ account: 'acct_2', quantity: 7 });
  clock.advance(HOUR / 2);
  await stripe.billing.meters.deactivate(meter.id);
  await usage.report();
  await stripe.billing.meters.reactivate(meter.id);
  const statusOf = async (account: string, report: number) =>
    (await usage.explain({ account, report })).report.status;
  expect([await statusOf('acct_2', 2), await statusOf('acct_3', 1)]).toEqual(['failed', 'held']);
  return { ...world, config: await configOf(world), statusOf };
}

test('docs/reports.md shows what the commands print, and they do what it says', async () => {
  const world = await createUndecidedWorld();
  const commands = documentedCommands('docs/reports.md');
  expect(commands.map(({ args }) => args[0])).toEqual(['retry', 'resolve']);
  for (const { args, output } of commands) {
    const result = await runCommand([...args, '--config', world.config]);
    expect(result).toEqual({ code: 0, stdout: output, stderr: '' });
  }
  expect(await world.statusOf('acct_3', 1)).toBe('not_billable');
  await world.usage.report();
  expect(await world.statusOf('acct_2', 2)).toBe('reported');
});

test('who decided and why is told by explain; by default it is the user of the operating system', async () => {
  const world = await createUndecidedWorld();
  const at = new Date(world.clock.now()).toISOString();
  const run = (...args: string[]) => runCommand([...args, '--config', world.config]);
  await run('retry', 'acct_3', '1', '--meter', 'credits', '--reason', 'One price is left.');
  const named = ['--actor', 'ada', '--reason', 'A test\nof ours.'];
  expect(await run('resolve', 'acct_3', '1', '--as', 'written_off', ...named)).toMatchObject({ code: 0 });
  const { decisions } = await world.usage.explain({ account: 'acct_3', report: 1 });
  const { username } = userInfo();
  expect(decisions).toEqual([
    { at, action: 'retry', actor: username, reason: 'One price is left.', acknowledged: 0 },
    { at, action: 'written_off', actor: 'ada', reason: 'A test\nof ours.', acknowledged: 0 },
  ]);
  const { stdout } = await run('explain', 'acct_3', '1');
  const when = at.slice(0, 19).replace('T', ' ');
  expect(stdout).toContain(
    `${when}  retry by ${username}: One price is left.\n${when}  written_off by ada: A test of ours.\n`,
  );
});

describe('nothing is decided', () => {
  const WHY = ['--reason', 'Seen.'];

  test.each([
    [['retry', 'acct_2', '2'], '--reason'],
    [['retry', 'acct_2', ...WHY], 'report'],
    [['retry', 'acct_2', 'x', ...WHY], 'number of a report'],
    [['retry', 'acct_2', '99', ...WHY], 'no report of this number'],
    [['retry', 'nobody', '1', ...WHY], 'account does not exist'],
    [['retry', 'acct_2', '2', '--reason', ''], 'reason'],
    [['retry', 'acct_2', '2', '--actor', '', ...WHY], 'actor'],
    [['retry', 'acct_2', '2', '--meter', 'tokens', ...WHY], 'tokens'],
    [['resolve', 'acct_2', '2', ...WHY], '--as'],
    [['resolve', 'acct_2', '2', '--as', 'lost', ...WHY], 'counted, written_off, send'],
    [['resolve', 'acct_2', '2', '--as', 'written_off'], '--reason'],
  ])('by %j, which is wrong use: 2, in one line', async (args, words) => {
    const world = await createUndecidedWorld();
    const { code, stdout, stderr } = await runCommand([...args, '--config', world.config]);
    expect(stderr).toMatch(/^tallybook: [^\n]+\n$/);
    expect(stderr).toContain(words);
    expect([code, stdout]).toEqual([2, '']);
    expect(await world.statusOf('acct_2', 2)).toBe('failed');
  });

  test('of a report that is where it belongs: 1, in one line', async () => {
    const world = await createUndecidedWorld();
    for (const args of [['retry'], ['resolve', '--as', 'counted']]) {
      const [name = '', ...options] = args;
      const command = [name, 'acct_2', '1', ...options, ...WHY, '--config', world.config];
      const { code, stdout, stderr } = await runCommand(command);
      expect(stderr).toMatch(/^tallybook: [^\n]*It is reported\.[^\n]*\n$/);
      expect([code, stdout]).toEqual([1, '']);
    }
  });
});
