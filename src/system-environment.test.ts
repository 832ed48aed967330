import { spawnSync } from 'node:child_process';
import { expect, onTestFinished, test, vi } from 'vitest';
import { systemEnvironment } from './system-environment.ts';

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

test('setting the machine’s clock moves the time, and not its monotonic reading', () => {
  const { clock } = systemEnvironment();
  const before = { time: clock.now(), monotonic: clock.monotonic?.() ?? 0 };
  vi.useFakeTimers({ toFake: ['Date'], now: before.time + 3 * 3_600_000 });
  onTestFinished(() => void vi.useRealTimers());
  expect(clock.now()).toBe(before.time + 3 * 3_600_000);
  const passed_ms = (clock.monotonic?.() ?? 0) - before.monotonic;
  expect(before.monotonic).toBeGreaterThan(0);
  expect(passed_ms).toBeGreaterThanOrEqual(0);
  expect(passed_ms).toBeLessThan(60_000);
});
