import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/folders.ts';
import { checkLedger, sum } from './ledger-check.ts';
import { startProgram } from './programs.ts';

/** Runs the program where an unhandled rejection ends the process with an error. */
async function run(what: string, path: string) {
  const program = startProgram('./unattended.ts', [what, path], {
    execArgv: ['--unhandled-rejections=strict'],
  });
  const end = await program.ended;
  return { ...end, lines: program.lines };
}

test.each([
  ['invalid', ['invalid_quantity']],
  ['failing', ['storage_failed']],
  ['failing handler', ['storage_failed', 'caught']],
  ['closed', ['closed']],
])(
  'an increment that is not awaited reaches onError once and is never unhandled: %s',
  async (what, lines) => {
    const path = join(temporaryDirectory(), what.startsWith('failing') ? 'missing/usage.db' : 'usage.db');
    expect(await run(what, path)).toEqual({ code: 0, stderr: '', lines });
  },
);

test.each([
  ['close() writes what nobody awaited', 'drained'],
  ['a program that awaits its increments and never closes ends by itself', 'never closed'],
  ['a program that neither awaits nor closes ends by itself when all is written', 'neither'],
])('%s, and loses nothing', async (_guarantee, what) => {
  const path = join(temporaryDirectory(), 'usage.db');
  expect(await run(what, path)).toEqual({ code: 0, stderr: '', lines: [] });
  const { reports, problems } = checkLedger(path);
  expect(problems).toEqual([]);
  expect(sum(reports.map(({ quantity }) => quantity))).toBe(1_000);
});
