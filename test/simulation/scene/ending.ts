import { DAY, HOUR } from '../time.ts';
import type { ReportRow } from './ledger.ts';
import { pass } from './passing.ts';
import { ACCOUNTS, type Scene } from './scene.ts';
import { revive } from './troubles.ts';

/** Whatever waits has its end by then: usage that nothing bills waits for 34 days, and an invoice for a month. */
const LONGEST_ENDING = 75 * DAY;
/** Stripe has counted, and finalised the invoice, so long after a period's end. */
const AFTER_PERIOD = 3 * HOUR;
/** From here on the job runs only when something is due. */
const SELDOM = '0 0 1 * *';
/** A day before Stripe would no longer take them. */
const LONGEST_UNLINKED = 33 * DAY;
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
  const waiting = async () => (await scene.ledger.reports()).filter(isWaiting);
  const isCounting = () => scene.stripe.simulator.events().some(({ status }) => status === 'pending');
  await pass(scene, last, async () => !isCounting() && (await waiting()).every(isUnlinked));
  // What no subscription bills is looked at every day: all but the last of these days are left out.
  const unlinked = await waiting();
  if (unlinked.length === 0) return;
  scene.clock.moveTo(Math.min(...unlinked.map(({ period_end }) => (period_end ?? 0) + LONGEST_UNLINKED)));
  await pass(scene, last, async () => !isCounting() && (await waiting()).length === 0);
}

function isWaiting({ status, quantity, verified_at }: ReportRow): boolean {
  if (status === 'open') return quantity > 0;
  return UNFINISHED.includes(status) || (status === 'reported' && verified_at === null);
}

function isUnlinked({ status, reason }: ReportRow): boolean {
  return status === 'closed' && reason === 'unlinked';
}
