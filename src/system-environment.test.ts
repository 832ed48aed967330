import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** What a program does that has nothing to do but this wait. */
function waitIn(sleep: string) {
  const module = JSON.stringify(new URL('./system-environment.ts', import.meta.url).href);
  const program = `const { systemEnvironment } = await import(${module});
    const { clock } = systemEnvironment();
    ${sleep}.then(() => console.log('awake'));`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
  });
  return { status, stdout };
}

test('a process lives until a wait within a call is over', () => {
  expect(waitIn('clock.sleep(200)')).toEqual({ status: 0, stdout: 'awake\n' });
});

test('a wait that can be called off keeps no process alive', () => {
  expect(waitIn('clock.sleep(60_000, new AbortController().signal)')).toEqual({ status: 0, stdout: '' });
});
