import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from '../support/folders.ts';
import { type createWorld, PLANS } from '../support/world.ts';
import { ROOT } from './command.ts';

/** An app's configuration on a world's database, Stripe and clock, as it stands. */
export async function configOf({
  simulator,
  path,
  clock,
}: Awaited<ReturnType<typeof createWorld>>): Promise<string> {
  const { host, port } = await simulator.listen();
  onTestFinished(() => simulator.close());
  const config = join(temporaryDirectory(), 'tallybook.config.ts');
  const library = pathToFileURL(join(ROOT, 'src', 'index.ts')).href;
  writeFileSync(
    config,
    `import { createUsage } from '${library}';
    export const usage = createUsage({
      database: ${JSON.stringify(path)},
      meters: { credits: {} },
      plans: ${JSON.stringify(PLANS)},
      environment: { clock: { now: () => ${clock.now()}, sleep: () => Promise.resolve() } },
      stripe: {
        secret_key: 'sk_test_simulated',
        // Time stands still, and would give no turn to whoever waits for one.
        max_requests_per_second: 1_000_000,
        config: { host: ${JSON.stringify(host)}, port: ${port}, protocol: 'http' },
      },
    });`,
  );
  return config;
}
