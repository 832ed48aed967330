import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/folders.ts';
import { fuzz } from './fuzz.ts';

const REQUESTS = 2_000;

test('generated requests, valid, changed and hostile, are all answered as the document says', async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const { failures, statuses, reached, routes } = await fuzz({
    requests: REQUESTS,
    seed,
    database: join(temporaryDirectory(), 'usage.db'),
  });
  expect(failures, `npm run fuzz -- --requests ${REQUESTS} --seed ${seed}`).toEqual([]);
  // It is no use to be refused at the door: most routes are reached.
  expect(statuses.get(200)).toBeGreaterThan(REQUESTS / 20);
  expect(reached.size).toBeGreaterThan(routes / 2);
});
