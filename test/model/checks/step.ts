import { UsageError } from '../../../src/core/errors.ts';
import { must } from '../../simulation/invariants/broken.ts';
import { checkReports } from '../../simulation/invariants/reports.ts';
import { total } from '../../simulation/scene/ledger.ts';
import type { ModelScene } from '../scene/scene.ts';

/** What an app is told of as well as its caller: refusals, and mistakes of the schedule's own. */
const EXPECTED: readonly string[] = [
  'idempotency_conflict',
  'subscription_not_found',
  'already_subscribed',
  'several_subscriptions',
  'change_pending',
  'collection_paused',
  'subscription_ending',
  'seats_not_sold',
  // An account cannot be left without any seat.
  'invalid_parameter',
  'stripe_unavailable',
];

/** What must hold after every step: I1 to I4, I10 and I12, and that nobody was told of anything unexpected. */
export async function checkStep(scene: ModelScene): Promise<void> {
  const [violation] = scene.violations.splice(0);
  if (violation) throw violation;
  const reports = await scene.ledger.reports();
  const events = await scene.ledger.events();
  // How long verification may take is the simulation's; after a change, usage is stamped when Stripe has made it.
  const gaps = [{ from: 0, to: scene.now }];
  checkReports(reports, events, { now: scene.now, gaps, stamped: 'in_billing_period' });
  for (const { name, usage } of scene.accounts) {
    const own = events.filter(({ account_id }) => account_id === name);
    must(
      total(own) === total(usage),
      'I1',
      () => `${total(own)} of ${name} are counted, not ${total(usage)}`,
    );
  }
  for (const error of scene.errors.splice(0)) {
    const isExpected = error instanceof UsageError && EXPECTED.includes(error.code);
    must(isExpected, 'answer', () => `the app is told of ${error instanceof Error ? error.stack : error}`);
  }
}
