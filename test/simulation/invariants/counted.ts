import { keyOf, type ReportRow } from '../scene/ledger.ts';
import { ACCOUNTS, type AccountName, type Scene } from '../scene/scene.ts';
import { must, mustEqual } from './broken.ts';

/** I5, I8, I11 and I18: what Stripe has, event by event, is what reports with a stored intent say, each at most once. */
export function checkCounted(scene: Scene, reports: readonly ReportRow[]): void {
  const byIdentifier = new Map(reports.map((report) => [report.identifier, report]));
  /** Identifier → the slots that Stripe has it with. */
  const accepted = new Map<string, Set<number>>();
  for (const event of scene.stripe.simulator.events()) {
    const { identifier, status, payload, timestamp, customer } = event;
    if (identifier.startsWith('foreign_')) continue;
    const slots = accepted.get(identifier) ?? new Set();
    // A report that was restored with its number has its identifier for other usage, a day or more later.
    const isTwice = isRestored(scene, customer) ? slots.has(timestamp) : slots.size > 0;
    // What Stripe rejected later, as of a customer who was deleted, it does not have.
    if (status !== 'rejected') {
      must(!isTwice, 'I5', `Stripe has ${identifier} twice`);
      slots.add(timestamp);
    }
    accepted.set(identifier, slots);
    const report = byIdentifier.get(identifier);
    if (!report) {
      must(isRestored(scene, customer), 'I5', `Stripe has ${identifier}, which is in no report`);
      continue;
    }
    const name = `what Stripe has of report ${keyOf(report)}`;
    const { account_id } = report;
    const own = scene.customerOf(account_id === ACCOUNTS[0] ? ACCOUNTS[0] : ACCOUNTS[1]);
    mustEqual(customer, own, 'I18', `the customer of ${name}`);
    if (isRestored(scene, customer)) continue;
    must(report.attempts > 0, 'I6', `${name} was sent without intent`);
    mustEqual(payload['value'], String(report.quantity), 'I11', `the quantity of ${name}`);
    mustEqual(timestamp * 1_000, report.slot, 'I11', `the slot of ${name}`);
  }
  for (const report of reports) {
    if (report.status !== 'reported') continue;
    const isThere = report.identifier !== null && accepted.has(report.identifier);
    must(isThere, 'I8', () => `report ${keyOf(report)} is reported and Stripe never had it`);
  }
}

function isRestored(scene: Scene, customer: string): boolean {
  const account = ACCOUNTS.find((name: AccountName) => scene.customerOf(name) === customer);
  return account !== undefined && scene.expectations[account].troubles.has('restored');
}
