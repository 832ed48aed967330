import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { diskDirectory } from '../support/folders.ts';
import { createDatabase } from '../support/postgres/databases.ts';
import { type WorkerKillLoopResult, workerKillLoop } from './worker-kill-loop.ts';

const engines = [
  ['SQLite', async () => join(diskDirectory(), 'usage.db')],
  [
    'PostgreSQL',
    async () => {
      const { url, drop } = await createDatabase();
      onTestFinished(drop);
      return url;
    },
  ],
] as const;

/** Where a worker that sends reports must at least have come by: both sides of every effect outside of its memory. */
const EFFECTS = [
  'provider.sendReport',
  'provider.readCounted',
  'provider.listSubscriptionItems',
  'store.changeReport',
  'store.closeReports',
  'store.setSubscriptionItems',
  'store.acquireLease',
  'store.releaseLease',
  'store.setLastRun',
].flatMap((call) => [`${call}:before`, `${call}:after`]);

test.each(engines)(
  '%s: wherever a worker is killed, another has sent what was due exactly once within a minute',
  async (engine, createEmpty) => {
    const seed = Date.now() % 1_000_000;
    const option = engine === 'PostgreSQL' ? ' --postgres' : '';
    console.log(`replay: node test/processes/worker-kill-loop.ts --kills 1 --seed ${seed}${option}`);
    const { kills, problems }: WorkerKillLoopResult = await workerKillLoop({
      database: await createEmpty(),
      kills: 1,
      seed,
    });
    expect(problems).toEqual([]);
    expect([...kills.keys()]).toEqual(expect.arrayContaining(EFFECTS));
    expect([...kills.values()].every((count) => count === 1)).toBe(true);
  },
  120_000,
);

test('a worker that sends again under another identifier is caught', async () => {
  const database = join(diskDirectory(), 'usage.db');
  const only = ['provider.sendReport:after'];
  const { problems } = await workerKillLoop({ database, kills: 1, seed: 1, only, careless: true });
  expect(problems).toContainEqual(expect.stringContaining('are counted at Stripe'));
}, 120_000);
