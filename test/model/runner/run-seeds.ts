import { parseArgs } from 'node:util';
import { type EngineName, openEngine } from '../../simulation/runner/engine.ts';
import type { SeedLine } from '../../simulation/runner/run-seeds.ts';
import { loadStripeContract } from '../../support/stripe-contract/load-contract.ts';
import { runModel } from '../run-model.ts';
import { drawSchedule } from '../schedule/draw-schedule.ts';

/** A process of the model test: as `test/simulation/runner/run-seeds.ts`. */
const SCHEDULES_PER_CONTRACT_CHECK = 10;

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    to: { type: 'string', default: '1' },
    step: { type: 'string', default: '1' },
    engine: { type: 'string', default: 'sqlite' },
    traced: { type: 'boolean', default: false },
  },
});

/** A rejection that nobody handles would end the app. */
let unhandled: string | null = null;
process.on('unhandledRejection', (reason) => {
  unhandled ??= `unhandled: ${reason instanceof Error ? reason.stack : String(reason)}`;
});

// Ended from outside when others have failed: what it wrote is removed all the same.
process.once('SIGTERM', () => process.exit(143));

const engine = await openEngine(values.engine as EngineName);
const contract = await loadStripeContract();
for (let seed = Number(values.from); seed <= Number(values.to); seed += Number(values.step)) {
  const run = await runModel(drawSchedule(seed), await engine.open(), {
    isTraced: values.traced,
    contract: seed % SCHEDULES_PER_CONTRACT_CHECK === 0 ? contract : null,
  });
  const line: SeedLine = {
    seed,
    failure: run.failure ?? unhandled,
    hash: values.traced ? run.hash : null,
    invoiced: (run.billed?.usage ?? 0) > 0 ? 1 : 0,
  };
  unhandled = null;
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
await engine.close();
