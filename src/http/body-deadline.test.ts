import { expect, test } from 'vitest';
import { createMovableClock } from '../testing/movable-clock.ts';
import { BodyDeadline } from './body-deadline.ts';

const SECOND = 1_000;

/** A second of waiting after the other, as the deadline watches them. */
async function pass(clock: { advance(ms: number): void }, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    clock.advance(SECOND);
    await new Promise(setImmediate);
  }
}

test('a body that does not arrive is given up also where the machine’s clock is put back', async () => {
  const steady = createMovableClock();
  let behind_ms = 0;
  const deadline = new BodyDeadline({
    now: () => steady.now() - behind_ms,
    monotonic: () => steady.now(),
    sleep: (ms, signal) => steady.sleep(ms, signal),
  });
  let body: unknown = 'waited for';
  void deadline.within(new Promise<string>(() => {})).then((answer) => {
    body = answer;
  });
  await pass(steady, 5);
  behind_ms = 3_600_000;
  await pass(steady, 4);
  expect(body).toBe('waited for');
  await pass(steady, 1);
  expect(body).toBeNull();
});
