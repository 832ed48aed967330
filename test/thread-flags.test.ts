import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { threadFlags } from '../src/storage/sqlite/thread-flags.ts';
import { ROOT } from './cli/command.ts';
import { temporaryDirectory } from './support/folders.ts';

/** An app that counts with a connection in a thread. */
function createApp() {
  const directory = temporaryDirectory();
  const library = pathToFileURL(join(ROOT, 'src', 'index.ts')).href;
  const app = join(directory, 'app.ts');
  writeFileSync(
    app,
    `import { createUsage } from '${library}';
    const usage = createUsage({ database: ${JSON.stringify(join(directory, 'usage.db'))}, meters: { credits: {} } });
    const { recorded } = await usage.increment({ account: 'acct_1' });
    await usage.close();
    console.log(recorded);`,
  );
  return { directory, program: `await import(${JSON.stringify(pathToFileURL(app).href)})` };
}

test.for([[['--input-type=module']], [['--input-type', 'module', '--max-old-space-size=200']]])(
  'a program that is passed to node with %j counts',
  async ([flags]) => {
    const { program } = createApp();
    const { stdout } = await promisify(execFile)(process.execPath, [...(flags ?? []), '-e', program]);
    expect(stdout).toBe('true\n');
  },
);

test('hooks of the process still load what the thread needs', async () => {
  const { directory, program } = createApp();
  const hook = join(directory, 'hook.mjs');
  writeFileSync(
    hook,
    `import { isMainThread } from 'node:worker_threads'; console.log('hook', isMainThread);`,
  );
  const flags = ['--import', pathToFileURL(hook).href, '--input-type=module'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '-e', program]);
  expect(stdout).toMatch(/^hook true\n(hook false\n)+true\n$/);
});

test.each([
  [[], undefined],
  [['--max-old-space-size=200', '--import', './a.mjs', '-e', 'x'], undefined],
  [
    ['-r', './a.cjs', '--input-type=module', '--max-old-space-size=200', '--import=./b.mjs', '-e', 'x'],
    ['-r', './a.cjs', '--import=./b.mjs'],
  ],
  [
    ['--experimental-strip-types', '--input-type', 'module', '-C', 'development', '--no-warnings'],
    ['--experimental-strip-types', '-C', 'development', '--no-warnings'],
  ],
])('of %j the thread has %j', (flags, kept) => {
  expect(threadFlags(flags)).toEqual(kept);
});
