import { DAY, HOUR } from '../time.ts';
import type { ReportRow } from './ledger.ts';
import { pass } from './passing.ts';
import { ACCOUNTS, type Scene } from './scene.ts';
import { revive } from './troubles.ts';

/** Whatever waits has its end by then: usage that nothing bills waits for 34 days, and an invoice for a month. */
const LONGEST_ENDING = 75 * DAY;
/** Stripe has counted, and finalised the invoice, so long after a period's end. */
const AFTER_PERIOD = 3 * HOUR;
/** A day before Stripe would no longer take it, usage that nothing bills is looked at again. */
const LONGEST_UNLINKED = 33 * DAY;
/** From here on the job runs only when something is due. */
const SELDOM = '0 0 1 * *';
const UNFINISHED: readonly string[] = ['closed', 'sending'];

/** No more faults, and time passes until every period with usage has been invoiced and every report has its end. */
export async function endScene(scene: Scene): Promise<void> {
  scene.stripe.simulator.faults.clear();
  scene.stripe.simulator.webhookFaults.clear();
  scene.trace.add(() => 'the faults stop');
  await revive(scene);
  for (let index = 0; index < scene.processCount; index += 1) await scene.reopen(index, { cron: SELDOM });
  const last = scene.now + LONGEST_ENDING;
  for (const end of await periodEnds(scene)) {
    await passUntilNothingHappens(scene, Math.min(last, end + AFTER_PERIOD));
    scene.clock.moveTo(end - HOUR);
    await pass(scene, Math.min(last, end + AFTER_PERIOD));
  }
  await scene.call(0, (usage) => usage.report());
  await passUntilNothingHappens(scene, last);
  const waiting = (await scene.ledger.reports()).filter(isWaiting);
  if (waiting.length === 0) return;
  scene.clock.moveTo(Math.min(...waiting.map(({ period_end }) => (period_end ?? 0) + LONGEST_UNLINKED)));
  await pass(scene, last, async () => !(await scene.ledger.reports()).some(isWaiting));
}

/** Of all periods with usage that have not ended; a clock that is ahead may have put some into the next one already. */
async function periodEnds({ now, expectations, ledger }: Scene): Promise<number[]> {
  const latest = Math.max(now, ...(await ledger.events()).map(({ occurred_at }) => occurred_at));
  const ends = ACCOUNTS.flatMap((account) =>
    [now, latest].map((instant) => expectations[account].periodEndAfter(instant) ?? now),
  );
  return [...new Set(ends)].toSorted((a, b) => a - b);
}

/**
 * From then on only accounts that nothing bills are looked at, day after day: schedules leave these days out, which
 * takes as long as all the rest of them.
 */
async function passUntilNothingHappens(scene: Scene, to: number): Promise<void> {
  await pass(scene, to, async () => {
    const isCounting = scene.stripe.simulator.events().some(({ status }) => status === 'pending');
    if (isCounting) return false;
    return (await scene.ledger.reports()).every((report) => !isWaiting(report) || mayWait(report));
  });
}

function isWaiting({ status, quantity, verified_at }: ReportRow): boolean {
  if (status === 'open') return quantity > 0;
  return UNFINISHED.includes(status) || (status === 'reported' && verified_at === null);
}

/** Whether only its period's end, or a subscription, changes anything about a report. */
function mayWait({ status, reason }: ReportRow): boolean {
  return status === 'open' || (status === 'closed' && reason === 'unlinked');
}
