import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/folders.ts';
import { ROOT, runCommand } from './command.ts';

/** An app that leaves everything at its default. */
function createConfig(): string {
  const directory = temporaryDirectory();
  const config = join(directory, 'tallybook.config.ts');
  const library = pathToFileURL(join(ROOT, 'src', 'index.ts')).href;
  const database = JSON.stringify(join(directory, 'usage.db'));
  writeFileSync(
    config,
    `import { createUsage } from '${library}';
    export const usage = createUsage({ database: ${database}, meters: { credits: {} } });`,
  );
  return config;
}

const KEY = 'tbk_0123456789abcdef';
const BILL = ['bill', 'acct_1', '--amount', '3', '--reason', 'x'];

test.for([
  [['keys'], 'No command was given. See `tallybook keys --help`.'],
  [
    ['keys', 'create'],
    "required option '-s, --scope <name>' not specified. See `tallybook keys create --help`.",
  ],
  [['keys', 'creat'], "unknown command 'creat' (Did you mean create?) See `tallybook keys --help`."],
  [['keys', 'create', '-s', 'foo'], 'The scopes are read, write, admin. See `tallybook keys create --help`.'],
  [
    ['keys', 'create', '-s', 'read', '--expires-at', 'soon'],
    'It is a date (UTC midnight), such as 2026-10-10, or an instant with its zone: 2026-10-10T12:00:00Z. See `tallybook keys create --help`.',
  ],
  [
    ['keys', 'create', '-s', 'read', '--expires-at', '2020-01-01'],
    'expires_at "2020-01-01": It is in the past. See `tallybook keys create --help`.',
  ],
  [
    ['keys', 'rotate', KEY, '--overlap', '999999999'],
    'It is a whole number of seconds from 0 to 2592000. See `tallybook keys rotate --help`.',
  ],
  [
    ['keys', 'revoke', 'x'],
    'It is the id of a key: its first 20 characters. See `tallybook keys revoke --help`.',
  ],
  [
    [...BILL, '--period-start', '2026'],
    'It is a date (UTC midnight), such as 2026-10-10, or an instant with its zone: 2026-10-10T12:00:00Z. See `tallybook bill --help`.',
  ],
  [['reports', '-s', 'bogus'], 'voided. See `tallybook reports --help`.'],
  [['keys', 'revoke', KEY], 'Pass an id that `tallybook keys list` shows and that has not ended.'],
] as const)(
  '%j is wrong use: one line ends with the remedy, and no call is spoken of',
  async ([args, ending]) => {
    const { code, stdout, stderr } = await runCommand(args, { cwd: join(createConfig(), '..') });
    expect(stderr).toMatch(/^tallybook: [^\n]+\n$/);
    expect(stderr.trim().slice(-ending.length)).toBe(ending);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  },
);

test.for([
  [['retry'], ['--reason']],
  [['resolve'], ['--reason', '--as']],
  [['bill'], ['--reason', '--amount', '--period-start']],
  [['keys', 'create'], ['--scope']],
  [['doctor'], []],
])('the help of %j marks what is required', async ([command = [], required]) => {
  const { stdout } = await runCommand([...command, '--help']);
  const options = stdout.replaceAll(/\n {20,}/g, ' ').matchAll(/(--[a-z-]+)[^\n]*\(required\)/g);
  expect([...options].map(([, option]) => option).toSorted()).toEqual((required ?? []).toSorted());
});
