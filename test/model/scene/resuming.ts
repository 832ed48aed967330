import { UsageError } from '../../../src/core/errors.ts';
import { GONE } from '../../simulation/app/fate.ts';
import { must } from '../../simulation/invariants/broken.ts';
import type { AccountLog } from './account-log.ts';
import { ask, isPaused } from './asking.ts';
import type { ModelScene } from './scene.ts';

/** Takes back the pause of an account, or that it ends, and lets Stripe collect what the pause has left. */
export async function resumeAccount(scene: ModelScene, account: AccountLog, process: number): Promise<void> {
  account.ends = null;
  const answer = await ask(scene, process, (usage) => usage.subscriptions.resume({ account: account.name }));
  if (answer === GONE || answer instanceof UsageError) return;
  await scene.settle();
  must(!isPaused(scene, account), 'answer', () => `${account.name} goes on, and Stripe knows nothing of it`);
  must(!hasKeptDrafts(scene, account), 'answer', () => `${account.name} goes on, and a draft stays`);
}

/** Whether there are drafts that do not become final by themselves. */
export function hasKeptDrafts({ simulator }: ModelScene, { customer }: AccountLog): boolean {
  return simulator
    .invoices(customer)
    .some(({ status, auto_advance }) => status === 'draft' && auto_advance === false);
}
