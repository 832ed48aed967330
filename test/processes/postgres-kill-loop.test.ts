import { expect, test } from 'vitest';
import { postgresKillLoop } from './postgres-kill-loop.ts';

const KILLS = 30;

test('what was acknowledged is counted exactly once, whenever the server is killed, and its app goes on by itself', async () => {
  const seed = Date.now() % 1_000_000;
  console.log(`replay: node test/processes/postgres-kill-loop.ts --kills ${KILLS} --seed ${seed}`);
  const { acknowledged, errors, problems } = await postgresKillLoop({ kills: KILLS, seed });
  expect(problems).toEqual([]);
  expect(Object.keys(errors).filter((code) => code !== 'storage_failed')).toEqual([]);
  expect(acknowledged).toBeGreaterThan(50 * KILLS);
}, 180_000);

test('a server that acknowledges before the commit is on disk is caught', async () => {
  const { problems } = await postgresKillLoop({ kills: 3, seed: 1, unsafe: true });
  expect(problems).toContainEqual(expect.stringContaining('was acknowledged and is lost'));
}, 60_000);
