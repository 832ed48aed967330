import type { Expectation } from '../scene/expectation.ts';
import { type EventRow, keyOf, type ReportRow, total } from '../scene/ledger.ts';
import { ACCOUNTS, type AccountName, type Scene } from '../scene/scene.ts';
import { must, mustEqual } from './broken.ts';
import { POISON } from './call-watch.ts';
import { checkCounted } from './counted.ts';
import { checkReports } from './reports.ts';

/** What must hold after every step. */
export async function checkStep(scene: Scene): Promise<void> {
  scene.watch.check();
  const [violation] = scene.violations.splice(0);
  if (violation) throw violation;
  const reports = await scene.ledger.reports();
  const events = await scene.ledger.events();
  checkReports(reports, events, scene);
  checkCounted(scene, reports);
  checkNothingFreeIsSent(scene, reports, events);
  for (const account of ACCOUNTS) {
    const expectation = scene.expectations[account];
    const acknowledged = expectation.quantityIn(0, Number.MAX_SAFE_INTEGER);
    const own = events.filter(({ account_id }) => account_id === account);
    mustEqual(total(own), acknowledged, 'I1', `counted of ${account}`);
    if (expectation.events.length > 0) await checkRange(scene, account, expectation);
  }
  for (const error of scene.errors) {
    const { code, message } = error as { code?: string; message: string };
    const isCallers = code === 'idempotency_conflict' || message.includes(POISON);
    const isOfSkew = code === 'storage_busy' && scene.expectations.acct_1.troubles.has('skewed');
    must(isCallers || isOfSkew, 'answer', () => `the product tells of ${code}: ${message}`);
  }
}

/** I16, by Stripe's instants, which are whole seconds. */
function checkNothingFreeIsSent(
  scene: Scene,
  reports: readonly ReportRow[],
  events: readonly EventRow[],
): void {
  const sent = new Set(reports.filter(({ attempts }) => attempts > 0).map(keyOf));
  for (const event of events) {
    if (!sent.has(keyOf(event))) continue;
    const expectation = scene.expectations[event.account_id === ACCOUNTS[0] ? ACCOUNTS[0] : ACCOUNTS[1]];
    must(
      expectation.isPayable(event),
      'I16',
      () => `event ${event.event_id} at ${event.occurred_at} is sent and free`,
    );
  }
}

/** `usage.get` over a random range against the plain list. */
async function checkRange(scene: Scene, account: AccountName, { events }: Expectation): Promise<void> {
  const { random } = scene;
  const pick = () => (events[random.integer(0, events.length - 1)]?.occurred_at ?? 0) + random.integer(-2, 2);
  const [a, b] = [pick(), pick()];
  const start = Math.min(a, b);
  const end = Math.max(a, b) + 1;
  const range = { period_start: new Date(start), period_end: new Date(end) };
  const answer = await scene.call(1, (usage) => usage.get({ account, ...range }));
  if (typeof answer === 'symbol') return;
  const expected = scene.expectations[account].quantityIn(start, end);
  mustEqual(answer.quantity, expected, 'answer', `get of ${account} over [${start}, ${end})`);
}
