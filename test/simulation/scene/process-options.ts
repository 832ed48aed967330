import { uuidVersion7 } from '../../../src/system-environment.ts';
import type { AppProcessOptions } from '../app/app-process.ts';
import type { Random } from '../random.ts';
import { WEBHOOK_SECRETS } from '../stripe/stripe-account.ts';
import type { Scene } from './scene.ts';

const PLANS = {
  free: { prices: [] },
  pro: {
    prices: [
      {
        currency: 'usd',
        interval: 'month',
        tiers_mode: 'volume',
        tiers: [
          { up_to: 1_000, unit_amount_decimal: '2' },
          { up_to: 'inf', unit_amount_decimal: '1.5' },
        ],
      },
    ],
  },
} as const;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** The product as an app configures it, with nothing in it that the seed does not decide. */
export function processOptions(
  scene: Scene,
  name: string,
  random: Random,
  skew_ms: number,
  cron: string,
): AppProcessOptions {
  const clock = scene.clock.skewed(skew_ms);
  return {
    name,
    usage: {
      database: scene.database.options,
      meters: { credits: {} },
      plans: PLANS,
      worker_schedule: { usage: cron },
      onError: (error) => {
        scene.errors.push(error);
        scene.trace.add(() => `  ${name} tells ${error instanceof Error ? error.message : String(error)}`);
      },
      stripe: {
        secret_key: 'sk_test_simulated',
        webhook_secret: [WEBHOOK_SECRETS.secret, WEBHOOK_SECRETS.thin_secret],
        max_requests_per_second: 1_000_000,
        config: { httpClient: scene.stripe.client },
      },
    },
    openStore: scene.database.openStore,
    environment: {
      clock,
      logger: quiet,
      random: () => random.next(),
      uuid: () => uuidOf(clock.now(), random),
    },
    turns: scene.turns,
    trace: scene.trace,
    onCall: (process, label, params) => scene.watch.before(process, label, params),
    onAnswer: (process, label, params, result) => scene.watch.after(process, label, params, result),
  };
}

/** As the product's own, with the seed's randomness. */
export function uuidOf(now: number, random: Random): string {
  const hex = (digits: number) =>
    random
      .integer(0, 16 ** digits - 1)
      .toString(16)
      .padStart(digits, '0');
  const time = uuidVersion7(now).slice(0, 14);
  return `${time}7${hex(3)}-8${hex(3)}-${hex(6)}${hex(6)}`;
}
