import { parseArgs } from 'node:util';
import type { BillingProvider } from '../../src/core/billing-provider.ts';
import { composeUsage } from '../../src/usage.ts';
import { withKillPoints } from './kill-points.ts';

/** Does what is due of the report job once, and kills itself at the `occurrence`th passage of `label`. */
const { values } = parseArgs({
  options: {
    database: { type: 'string', default: '' },
    port: { type: 'string', default: '' },
    /** Milliseconds since 1970; the clock stands still. */
    now: { type: 'string', default: '0' },
    /** None: it only prints the labels that it passes. */
    label: { type: 'string', default: '' },
    occurrence: { type: 'string', default: '1' },
    /** Sends under an identifier that nobody else will use again: the mistake that the harness must notice. */
    careless: { type: 'boolean', default: false },
  },
});

let isArmed = false;
let passages = 0;
function pass(label: string): void {
  if (!isArmed) return;
  if (values.label === '') console.log(label);
  if (label !== values.label) return;
  passages += 1;
  if (passages === Number(values.occurrence)) process.kill(process.pid, 'SIGKILL');
}

function careless(provider: BillingProvider): BillingProvider {
  return {
    ...provider,
    sendReport: (params) => provider.sendReport({ ...params, identifier: `${params.identifier}_once` }),
  };
}

const now = Number(values.now);
const usage = composeUsage(
  {
    database: values.database,
    meters: { credits: {} },
    worker_schedule: { usage: '* * * * *' },
    stripe: {
      secret_key: 'sk_test_simulated',
      max_requests_per_second: 1_000_000,
      config: { host: '127.0.0.1', port: values.port, protocol: 'http' },
    },
    environment: { clock: { now: () => now, sleep: async () => {} } },
  },
  {
    store: (store) => withKillPoints('store', store, pass),
    provider: (provider) => withKillPoints('provider', values.careless ? careless(provider) : provider, pass),
  },
);
isArmed = true;
await usage.worker.tick();
isArmed = false;
await usage.close();
