import { expect, test } from 'vitest';
import { createMovableClock } from '../testing/movable-clock.ts';
import { Readiness } from './readiness.ts';

test('the database is asked once by all who ask at the same time, and again afterwards', async () => {
  let asked = 0;
  const answer = Promise.withResolvers<void>();
  const ping = () => {
    asked += 1;
    return answer.promise;
  };
  const readiness = new Readiness({ ping }, createMovableClock());
  const answers = Array.from({ length: 50 }, () => readiness.ask());
  answer.resolve();
  expect(new Set(await Promise.all(answers))).toEqual(new Set([true]));
  expect(asked).toBe(1);
  await readiness.ask();
  expect(asked).toBe(2);
});

test('a question that nobody answers does not stand in the way of the next', async () => {
  const clock = createMovableClock();
  const answers = [new Promise<void>(() => {}), Promise.resolve()];
  const readiness = new Readiness({ ping: () => answers.shift() ?? Promise.reject(new Error()) }, clock);
  const first = readiness.ask();
  clock.advance(2_000);
  expect(await first).toBe(false);
  expect(await readiness.ask()).toBe(true);
  expect(await readiness.ask()).toBe(false);
});
