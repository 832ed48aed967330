import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DAY_MS } from '../../src/core/instant.ts';
import { temporaryDirectory } from '../support/folders.ts';
import { publishedFile } from '../support/published.ts';
import { runCommand } from './command.ts';
import { startDev } from './running-dev.ts';

const TRACE = publishedFile('data/AzureLLMInferenceTrace_code.csv');
const IMPORTED = /Imported .*\n/;

function fileOf(content: string): { directory: string; file: string } {
  const directory = temporaryDirectory();
  const file = join(directory, 'usage.csv');
  writeFileSync(file, content);
  return { directory, file };
}

/** Requests to a language model, one a second, with the sum of their tokens. */
function traceOf(rows: number) {
  let total = 0;
  let csv = 'TIMESTAMP,ContextTokens,GeneratedTokens\n';
  for (let row = 0; row < rows; row += 1) {
    const time = new Date(Date.UTC(2023, 10, 16, 18, 15, 0, row * 100)).toISOString();
    csv += `${time.replace('T', ' ').replace('Z', '0000')},${100 + row},${row % 7}\n`;
    total += 100 + row + (row % 7);
  }
  return { csv, total };
}

async function tokensOf(dev: Awaited<ReturnType<typeof startDev>>): Promise<number> {
  const quantities = await Promise.all(
    ['acme', 'globex', 'hobby'].map((account) => dev.quantityOf(account, 'tokens')),
  );
  return quantities.reduce((sum, quantity) => sum + quantity, 0);
}

test('a file of usage is counted once, however often it is imported', async () => {
  const { directory, file } = fileOf(
    'account,quantity,meter,idempotency_key\nacme,5,,\nacme,5,,\n"new, ""account""",7,tokens,\nglobex,3,credits,own-key\n',
  );
  const dev = await startDev({ directory, args: ['--import', file] });
  expect(await dev.output.waitFor(IMPORTED)).toMatch('4 rows');
  expect(dev.output.text).toMatch('4 recorded, 0 duplicate, 0 refused');
  expect(await dev.quantityOf('acme', 'credits')).toBe(10);
  expect(await dev.quantityOf('new, "account"', 'tokens')).toBe(7);
  expect(
    (await dev.post('/v1/usage', { account: 'globex', quantity: 3, idempotency_key: 'own-key' })).body,
  ).toEqual({
    recorded: false,
    duplicate: true,
  });
  await dev.stop();

  const again = await startDev({ directory, args: ['--import', file] });
  expect(await again.output.waitFor(IMPORTED)).toMatch('0 recorded, 4 duplicate, 0 refused');
  expect(await again.quantityOf('acme', 'credits')).toBe(10);
});

test('of a file that has grown since its last import, only the new rows are counted', async () => {
  const { directory, file } = fileOf('account,quantity\nacme,1\nacme,2\n');
  const dev = await startDev({ directory, args: ['--import', file] });
  await dev.output.waitFor(IMPORTED);
  await dev.stop();
  appendFileSync(file, 'acme,3\nacme,1\n');
  const again = await startDev({ directory, args: ['--import', file] });
  expect(await again.output.waitFor(IMPORTED)).toMatch('2 recorded, 2 duplicate, 0 refused');
  expect(await again.quantityOf('acme', 'credits')).toBe(7);
});

test('an old trace of a language model is moved into the current billing period and keeps its distances', async () => {
  const { csv, total } = traceOf(3_000);
  const dev = await startDev({ directory: temporaryDirectory(), input: csv });
  await dev.output.waitFor(IMPORTED);
  expect(dev.output.text).toContain('3,000 recorded, 0 duplicate, 0 refused');
  expect(dev.output.text).toContain('2023-11-16T18:15:00.000Z became');
  expect(await tokensOf(dev)).toBe(total);
  await dev.moveClock('day');
  const { body } = await dev.importCsv(csv);
  expect(body).toMatchObject({ recorded: 0, duplicate: 3_000, refused: 0 });
  expect(await tokensOf(dev)).toBe(total);
});

test('nothing is counted in the future: what a moved file would put there counts at the import', async () => {
  const csv =
    'account,quantity,timestamp\nacme,1,2023-01-01\nacme,2,2023-01-01 06:00\nacme,4,2023-01-20T00:00:00+02:00\n';
  const dev = await startDev({ directory: temporaryDirectory() });
  expect((await dev.importCsv(csv)).body).toMatchObject({
    recorded: 3,
    notes: [
      expect.stringContaining('2023-01-01T00:00:00.000Z became'),
      expect.stringContaining('1 rows would then lie in the future'),
    ],
  });
  await dev.moveClock('day');
  expect((await dev.importCsv(csv)).body).toMatchObject({ recorded: 0, duplicate: 3, refused: 0 });
  expect(await dev.quantityOf('acme', 'credits')).toBe(7);
});

test('rows that cannot be counted are named with their line, and the others count', async () => {
  const dev = await startDev({ directory: temporaryDirectory() });
  const { status, body } = await dev.importCsv(
    [
      'account,quantity,timestamp',
      'acme,10,',
      'acme,-1,',
      'acme,1e3,',
      'acme,5',
      ',5,',
      'acme,5,2026-02-30',
      'acme,0,',
      'acme,a "quote" in it,',
      '',
      'acme,20,',
      'acme,5,"never closed',
      'acme,40,',
    ].join('\n'),
  );
  expect(status).toBe(200);
  expect(body).toMatchObject({
    state: 'failed',
    rows: 9,
    recorded: 2,
    empty: 1,
    refused: 6,
    error: expect.stringContaining('begins at line 12'),
  });
  const [{ refusals } = { refusals: [] }] = (await dev.state()).imports;
  expect(refusals.map(({ line }) => line)).toEqual([3, 4, 5, 6, 7, 9]);
  expect(await dev.quantityOf('acme', 'credits')).toBe(30);
});

test.for([
  ['other columns', 'account,quantitiy\nacme,1\n', 'quantitiy'],
  ['no quantity', 'account\nacme\n', 'quantity'],
  ['nothing', '', 'empty'],
  ['a quote in its first row that is never closed', 'account,quantity\n\n"acme,1\nacme,2\n', 'line 3'],
  ['a quote in its header that is never closed', 'account,"quantity\nacme,1\n', 'line 1'],
  ['a picture', '\x89PNG\r\n\x1a\n\0\0', 'not known'],
])('a file with %s is refused as a whole', async ([, csv, words]) => {
  const dev = await startDev({ directory: temporaryDirectory() });
  expect(await dev.importCsv(csv ?? '')).toMatchObject({
    status: 400,
    body: { error: { code: 'invalid_file', message: expect.stringContaining(words ?? '') } },
  });
});

test('a file that breaks off ends the start that asked for it, after what was counted', async () => {
  const { directory, file } = fileOf('account,quantity\nacme,"1"\n\nacme,"2"\nacme,"3\nacme,4\n');
  const args = ['dev', '--port', '0', '--stripe-port', '0', '--directory', directory, '--import', file];
  const { code, stdout, stderr } = await runCommand(args);
  expect(code).toBe(1);
  expect(stdout).toContain('Imported usage.csv: 2 rows');
  expect(stderr).toMatch(
    /^tallybook: usage.csv was imported in part: The row that begins at line 5 [^\n]+\n$/,
  );
  writeFileSync(file, 'account,quantity\nacme,"1"\n\nacme,"2"\nacme,"3"\nacme,4\n');
  const again = await startDev({ directory, args: ['--import', file] });
  expect(await again.output.waitFor(IMPORTED)).toMatch('2 recorded, 2 duplicate');
});

test('killed during an import, the same import again makes the total exact', async () => {
  const { csv, total } = traceOf(60_000);
  const { directory, file } = fileOf(csv);
  const first = await startDev({ directory });
  const importing = first.importCsv(csv).catch(() => null);
  while ((await tokensOf(first)) === 0);
  await first.stop('SIGKILL');
  expect(await importing).toBeNull();

  const second = await startDev({ directory });
  const already = await tokensOf(second);
  expect(already).toBeGreaterThan(0);
  expect(already).toBeLessThan(total);
  await second.stop();
  const third = await startDev({ directory, args: ['--import', file] });
  expect(await third.output.waitFor(IMPORTED)).toMatch('60,000 rows');
  expect(third.output.text).toContain(' 0 refused');
  expect(await tokensOf(third)).toBe(total);
});

test('Ctrl-C during an import ends it cleanly, and importing again completes it', async () => {
  const { csv, total } = traceOf(60_000);
  const { directory, file } = fileOf(csv);
  const first = await startDev({ directory, args: ['--import', file] });
  while ((await tokensOf(first)) === 0);
  expect(await first.stop()).toBe(0);
  const second = await startDev({ directory, args: ['--import', file] });
  await second.output.waitFor(IMPORTED);
  expect(await tokensOf(second)).toBe(total);
});

test.skipIf(TRACE === null)(
  'the public Azure trace is counted to the token (skipped where the file is absent)',
  async () => {
    const trace = String(TRACE);
    const dev = await startDev({ directory: temporaryDirectory(), args: ['--import', trace] });
    expect(await dev.output.waitFor(IMPORTED)).toMatch('8,819 recorded, 0 duplicate, 0 refused');
    const expected = readFileSync(trace, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((row) => row.split(','))
      .reduce((sum, [, context, generated]) => sum + Number(context) + Number(generated), 0);
    expect(await tokensOf(dev)).toBe(expected);
  },
);

test('usage from before the first import of an account is in a billing period that the page shows', async () => {
  const dev = await startDev({ directory: temporaryDirectory() });
  const now = Date.parse((await dev.state()).clock.now);
  const rows = [34, 10].map((days) => `studio,${days},${new Date(now - days * DAY_MS).toISOString()}`);
  expect(await dev.importCsv(`account,quantity,timestamp\n${rows.join('\n')}\n`)).toMatchObject({
    body: { recorded: 2 },
  });
  const studio = (await dev.state()).accounts.find(({ account }) => account === 'studio');
  const counted = studio?.periods.map(({ quantity }) => quantity) ?? [];
  expect(counted.reduce((sum, quantity) => sum + quantity, 0)).toBe(44);
});
