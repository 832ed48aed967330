import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

/** What began and ended, in order; each run ends when it is told to. */
function recorded() {
  const turns = new Turns();
  const log: string[] = [];
  const take = (thing: string, name: string) => {
    const end = Promise.withResolvers<void>();
    const result = turns.take(thing, async () => {
      log.push(`${name} begins`);
      await end.promise;
      log.push(`${name} ends`);
      return name;
    });
    return { end, result };
  };
  return { log, take };
}

/** Lets everything happen that waits for nothing else. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('what concerns one thing happens one after the other, also where the first has ended by then', async () => {
  const { log, take } = recorded();
  const [first, second] = [take('a', '1'), take('a', '2')];
  await settled();
  expect(log).toEqual(['1 begins']);
  first.end.resolve();
  expect(await first.result).toBe('1');
  await settled();
  const third = take('a', '3');
  await settled();
  expect(log).toEqual(['1 begins', '1 ends', '2 begins']);
  second.end.resolve();
  third.end.resolve();
  expect([await second.result, await third.result]).toEqual(['2', '3']);
  expect(log.slice(3)).toEqual(['2 ends', '3 begins', '3 ends']);
});

test('different things do not wait for each other', async () => {
  const { log, take } = recorded();
  const both = [take('a', '1'), take('b', '2')];
  await settled();
  expect(log).toEqual(['1 begins', '2 begins']);
  for (const { end } of both) end.resolve();
});

test('what fails rejects for whoever asked, and the next one has its turn', async () => {
  const { take } = recorded();
  const [first, second] = [take('a', '1'), take('a', '2')];
  first.end.reject(new Error('broken'));
  second.end.resolve();
  await expect(first.result).rejects.toThrow('broken');
  expect(await second.result).toBe('2');
});
