import { join } from 'node:path';
import { expect, test } from 'vitest';
import { diskDirectory } from '../support/folders.ts';
import { crashLoop } from './crash-loop.ts';
import { checkLedger } from './ledger-check.ts';

const KILLS = 50;

test('what was acknowledged is counted exactly once, whenever the process is killed', async () => {
  const seed = Date.now() % 1_000_000;
  console.log(`replay: node test/processes/crash-loop.ts --kills ${KILLS} --seed ${seed}`);
  const path = join(diskDirectory(), 'usage.db');
  const { acknowledged, problems } = await crashLoop({ path, kills: KILLS, least_sealed: KILLS + 1, seed });
  expect(problems).toEqual([]);
  expect(acknowledged).toBeGreaterThan(KILLS);
  const closed = checkLedger(path).reports.filter(({ status }) => status !== 'open');
  expect(closed.length).toBeGreaterThan(KILLS);
}, 180_000);

test('a writer that acknowledges before the commit is caught', async () => {
  const path = join(diskDirectory(), 'usage.db');
  const { problems } = await crashLoop({ path, kills: 10, seed: 1, hasty: true });
  expect(problems).toContainEqual(expect.stringContaining('was acknowledged and is lost'));
}, 60_000);
