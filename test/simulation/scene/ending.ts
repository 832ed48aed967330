import { DAY, HOUR } from '../time.ts';
import { pass } from './passing.ts';
import { ACCOUNTS, type Scene } from './scene.ts';
import { revive } from './troubles.ts';

/** Whatever waits has its end by then: usage that nothing bills waits for 34 days, and an invoice for a month. */
const LONGEST_ENDING = 75 * DAY;
/** Stripe has counted, and finalised the invoice, so long after a period's end. */
const AFTER_PERIOD = 3 * HOUR;
/** From here on the job runs only when something is due. */
const SELDOM = '0 0 1 * *';
const UNFINISHED: readonly string[] = ['closed', 'sending'];

/** No more faults, and time passes until every period with usage has been invoiced and every report has its end. */
export async function endScene(scene: Scene): Promise<void> {
  scene.stripe.simulator.faults.clear();
  scene.trace.add(() => 'the faults stop');
  await revive(scene);
  for (let index = 0; index < scene.processCount; index += 1) await scene.reopen(index, { cron: SELDOM });
  const last = scene.now + LONGEST_ENDING;
  const ends = ACCOUNTS.map((account) => scene.expectations[account].periodEndAfter(scene.now) ?? scene.now);
  await pass(scene, Math.min(last, Math.max(...ends) + AFTER_PERIOD));
  await scene.call(0, (usage) => usage.report());
  await pass(scene, last, async () => {
    const reports = await scene.ledger.reports();
    const isWaiting = reports.some(
      ({ status, quantity, verified_at }) =>
        UNFINISHED.includes(status) ||
        (status === 'open' && quantity > 0) ||
        (status === 'reported' && verified_at === null),
    );
    const isCounting = scene.stripe.simulator.events().some(({ status }) => status === 'pending');
    return !isWaiting && !isCounting;
  });
}
