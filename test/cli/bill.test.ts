import { userInfo } from 'node:os';
import { describe, expect, test } from 'vitest';
import { createElsewhereWorld } from '../support/changing-elsewhere.ts';
import { HOUR } from '../support/credits-scene.ts';
import { documentedCommands } from '../support/documented-commands.ts';
import { runCommand } from './command.ts';
import { configOf } from './world-config.ts';

/** What docs/changes-elsewhere.md tells of: 70 credits that a swap in the Dashboard left off the invoice. */
async function createDocumentedWorld() {
  const world = await createElsewhereWorld({ billing_mode: 'classic', learning: 'by webhooks' });
  await world.swap('in place');
  await world.pass(3 * HOUR);
  const config = await configOf(world);
  const items = async () => (await world.stripe.invoiceItems.list({ customer: world.customer.id })).data;
  return { ...world, items, run: (...args: string[]) => runCommand([...args, '--config', config]) };
}

/** The simulator numbers what it makes: the ids in the document need not be the same. */
function withoutIds(text: string): string {
  return text.replaceAll(/\bii_\w+/g, '[id]');
}

test('docs/changes-elsewhere.md shows what the commands print, and the command shown settles the discrepancy', async () => {
  const world = await createDocumentedWorld();
  const commands = documentedCommands('docs/changes-elsewhere.md');
  expect(commands.map(({ args }) => args[0])).toEqual(['reconcile', 'bill', 'reconcile']);
  const codes: number[] = [];
  for (const { args, output } of commands) {
    const { code, stdout, stderr } = await world.run(...args);
    expect(withoutIds(stdout)).toBe(withoutIds(output));
    expect(stderr).toBe('');
    codes.push(code ?? Number.NaN);
  }
  expect(codes).toEqual([1, 0, 0]);
  expect(await world.items()).toHaveLength(1);
});

test('who let it be billed is by default the user of the operating system, and a repeated command bills nothing', async () => {
  const world = await createDocumentedWorld();
  const args = ['bill', 'acct_1', '--period-start', '2026-01-10T12:00:00Z', '--amount', '140', '-r', 'Why.'];
  const first = await world.run(...args);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(await world.run(...args)).toEqual(first);
  expect(await world.items()).toHaveLength(1);
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(world.path, { readOnly: true });
  const rows = database.prepare('SELECT actor, reason, amount FROM unflushed_bill').all();
  database.close();
  expect(rows.map((row) => ({ ...row }))).toEqual([
    { actor: userInfo().username, reason: 'Why.', amount: 140 },
  ]);
});

describe('tallybook bill', () => {
  test.each<[string, readonly string[], number, RegExp]>([
    ['another amount than is due', ['--amount', '141'], 1, /It is \$1\.40 by now, and not \$1\.41\./],
    ['no amount of minor units', ['--amount', '1.40'], 2, /minor units/],
    ['no amount', [], 2, /--amount/],
    [
      'no period that was cut short',
      ['--amount', '140', '--period-start', '2026-01-10T13:30:00Z'],
      1,
      /Nothing/,
    ],
    ['no date', ['--amount', '140', '--period-start', 'yesterday'], 2, /--period-start/],
    ['no reason', ['--amount', '140', '--reason', ' '], 2, /reason/],
    ['no meter of the app', ['--amount', '140', '--meter', 'tokens'], 2, /meter/],
  ])('refuses %s with a line, and bills nothing', async (_, args, code, line) => {
    const world = await createDocumentedWorld();
    const usual = ['bill', 'acct_1', '--period-start', '2026-01-10T12:00:00Z', '--reason', 'Why.'];
    const refused = await world.run(...usual, ...args);
    expect(refused).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(line) });
    expect(refused.stderr.trim().split('\n')).toHaveLength(1);
    expect(await world.items()).toEqual([]);
  });
});
