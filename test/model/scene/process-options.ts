import type { AppProcessOptions } from '../../simulation/app/app-process.ts';
import type { Random } from '../../simulation/random.ts';
import { uuidOf } from '../../simulation/scene/process-options.ts';
import { PLANS } from '../catalogue.ts';
import { type ModelScene, SNAPSHOT_SECRET, THIN_SECRET } from './scene.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** The product as an app configures it, with nothing in it that the seed does not decide. */
export function modelProcessOptions(scene: ModelScene, name: string, random: Random): AppProcessOptions {
  const { clock, schedule, database, trace, turns } = scene;
  return {
    name,
    usage: {
      database: database.options,
      meters: { credits: {} },
      plans: PLANS,
      worker_schedule: { usage: schedule.cron },
      verify_timeout_ms: schedule.verify_timeout_ms,
      allow_tiers_mode_change: true,
      onError: (error) => {
        scene.errors.push(error);
        trace.add(() => `  ${name} tells ${error instanceof Error ? error.message : String(error)}`);
      },
      stripe: {
        secret_key: 'sk_test_simulated',
        webhook_secret: [SNAPSHOT_SECRET, THIN_SECRET],
        max_requests_per_second: 1_000_000,
        config: { httpClient: scene.client },
      },
    },
    openStore: database.openStore,
    environment: {
      clock,
      logger: quiet,
      random: () => random.next(),
      uuid: () => uuidOf(clock.now(), random),
    },
    turns,
    trace,
    onCall: async () => {},
    onAnswer: () => {},
  };
}
