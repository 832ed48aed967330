import { DAY, HOUR } from '../../simulation/time.ts';
import { isPaused } from './asking.ts';
import { changeRows } from './change-rows.ts';
import { pass } from './passing.ts';
import { hasKeptDrafts, resumeAccount } from './resuming.ts';
import { type ModelScene, PROCESS_COUNT } from './scene.ts';

/** A month for the periods that are under way, and whatever waits for its retry. */
const LONGEST_ENDING = 75 * DAY;
const AFTER_PERIOD = 3 * HOUR;

/** No more faults, and time passes until every invoice with usage is final and everything has come to its end. */
export async function endScene(scene: ModelScene): Promise<void> {
  scene.simulator.faults.clear();
  scene.trace.add(() => 'the faults stop');
  for (let index = 0; index < PROCESS_COUNT; index += 1) await scene.reopen(index);
  const last = scene.now + LONGEST_ENDING;
  await endPauses(scene);
  await pass(scene, last, () => hasNoChange(scene));
  const { data } = await scene.byHand((stripe) => stripe.subscriptions.list({ limit: 100 }));
  const ends = data.flatMap(({ items }) => items.data.map((item) => item.current_period_end * 1_000));
  await pass(scene, Math.max(scene.now, ...ends) + AFTER_PERIOD);
  // A request that was lost on its way may have paused it since.
  await endPauses(scene);
  await scene.call(0, (usage) => usage.report());
  await pass(scene, last, () => isAtRest(scene));
  await scene.settle();
}

async function endPauses(scene: ModelScene): Promise<void> {
  for (const account of scene.accounts) {
    if (isPaused(scene, account) || hasKeptDrafts(scene, account)) await resumeAccount(scene, account, 0);
  }
}

async function hasNoChange(scene: ModelScene): Promise<boolean> {
  for (const { name } of scene.accounts) {
    const rows = await changeRows(scene, name);
    if (rows.some(({ status }) => status === 'flushing' || status === 'applying')) return false;
  }
  return true;
}

async function isAtRest(scene: ModelScene): Promise<boolean> {
  const reports = await scene.ledger.reports();
  const isWaiting = reports.some(
    ({ status, quantity, verified_at }) =>
      status === 'closed' ||
      status === 'sending' ||
      (status === 'open' && quantity > 0) ||
      (status === 'reported' && verified_at === null),
  );
  if (isWaiting || !(await hasNoChange(scene))) return false;
  return scene.accounts.every(({ customer }) =>
    scene.simulator.invoices(customer).every(({ status }) => status !== 'draft'),
  );
}
