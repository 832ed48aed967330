import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createStripeSimulator } from '../../src/testing/index.ts';
import { type MidnightResult, spendMidnight } from '../../test/support/midnight.ts';

/** `node benchmarks/midnight/midnight.ts [--accounts 100000] [--limits live|sandbox] [--seed 7]` */
const { values } = parseArgs({
  options: {
    accounts: { type: 'string', default: '100000' },
    limits: { type: 'string', default: 'live' },
    seed: { type: 'string', default: '7' },
  },
});
const limits = values.limits === 'sandbox' ? 'sandbox' : 'live';
const accounts = Number(values.accounts);
const seed = Number(values.seed);
const directory = mkdtempSync(join(tmpdir(), 'tallybook-midnight-'));
console.log(`node benchmarks/midnight/midnight.ts --accounts ${accounts} --limits ${limits} --seed ${seed}`);
const startedAt = performance.now();
try {
  const night = await spendMidnight({
    accounts,
    limits,
    seed,
    directory,
    createSimulator: createStripeSimulator,
  });
  print(night);
  const isRight = night.exact_accounts === accounts && night.refused_429 === 0 && night.errors.length === 0;
  process.exitCode = isRight ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function print(night: MidnightResult): void {
  const { seconds, requests, interactive_ms, progress, errors } = night;
  console.log(
    `${night.exact_accounts} of ${accounts} accounts exact at Stripe after ${Math.round(seconds)} s`,
  );
  for (const [endpoint, count] of requests) {
    console.log(`  ${endpoint}: ${count} requests, ${(count / seconds).toFixed(1)} a second`);
  }
  console.log(`429s: ${night.refused_429}; meter events of a customer at once: ${night.most_at_once}`);
  const at = (quantile: number) =>
    Math.round(interactive_ms[Math.floor((interactive_ms.length - 1) * quantile)] ?? 0);
  console.log(
    `${interactive_ms.length} interactive reports meanwhile: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`,
  );
  console.log(`told ${progress.length} times, last ${JSON.stringify(progress.at(-1))}`);
  const heap_mb = Math.round(process.memoryUsage().heapUsed / 1e6);
  console.log(
    `${Math.round((performance.now() - startedAt) / 1_000)} s on this machine, ${heap_mb} MB of heap with the simulator's`,
  );
  for (const error of errors.slice(0, 5)) console.error(error);
}
