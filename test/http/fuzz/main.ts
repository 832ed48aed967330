import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
  },
});
const seed = Number(values.seed);
const directory = mkdtempSync(join(tmpdir(), 'tallybook-fuzz-'));
try {
  const requests = Number(values.requests);
  const { statuses, reached, routes, failures } = await fuzz({
    requests,
    seed,
    database: join(directory, 'usage.db'),
  });
  console.log(
    [...statuses]
      .sort(([a], [b]) => a - b)
      .map(([status, count]) => `${status}: ${count}`)
      .join(', '),
  );
  console.log(`${reached.size} of ${routes} routes were answered with success.`);
  for (const failure of failures) console.log(`\n${failure}`);
  console.log(
    failures.length === 0
      ? 'Every answer is as documented.'
      : `\nnpm run fuzz -- --requests ${requests} --seed ${seed}`,
  );
  process.exitCode = failures.length === 0 ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
