import type Stripe from 'stripe';
import { expect } from 'vitest';
import { DAY } from '../credits-scene.ts';
import type { Expectation } from './expectation.ts';
import { keyOf, total } from './invariants.ts';
import { ACCOUNTS, type Scene } from './scene.ts';

/** What must hold when the faults have stopped and every period with usage has been invoiced. */
export async function checkEnding(scene: Scene): Promise<void> {
  const reports = (await scene.ledger.reports()).filter(({ status }) => status !== 'voided');
  const byKey = new Map(reports.map((report) => [keyOf(report), report]));
  const events = await scene.ledger.events();
  for (const report of reports) {
    const name = `report ${keyOf(report)} (${report.status}, ${report.reason}, ${report.last_error})`;
    if (report.status === 'open') expect(report.quantity, name).toBe(0);
    else if (report.status === 'held') expect(report.reason, name).toBe('too_old');
    else expect(['reported', 'not_billable'], name).toContain(report.status);
  }
  for (const event of events) {
    const report = byKey.get(keyOf(event));
    const expectation = scene.expectations[event.account_id === ACCOUNTS[0] ? ACCOUNTS[0] : ACCOUNTS[1]];
    const payer = expectation.paidAt(event.occurred_at);
    if (payer === null || expectation.linked_at === null || payer.ended_at !== null) continue;
    const isTooOld = event.occurred_at < expectation.linked_at - 30 * DAY;
    const name = `event ${event.event_id} in ${JSON.stringify(report)}`;
    if (!isTooOld) expect(report?.status, name).toBe('reported');
  }
  for (const account of ACCOUNTS) {
    const expectation = scene.expectations[account];
    const customer = scene.customers[account].id;
    const reported = total(
      reports.filter(({ account_id, status }) => account_id === account && status === 'reported'),
    );
    const counted = scene.world.simulator.counted(customer, 'credits', 0, Date.UTC(2100, 0, 1));
    expect(counted, `I5 of ${account}`).toBe(reported);
    expect(counted, `paid usage of ${account}`).toBeLessThanOrEqual(expectation.payableQuantity);
    await checkInvoices(scene, account, expectation);
  }
}

async function checkInvoices(
  scene: Scene,
  account: (typeof ACCOUNTS)[number],
  expectation: Expectation,
): Promise<void> {
  const { data } = await scene.world.stripe.invoices.list({
    customer: scene.customers[account].id,
    limit: 100,
  });
  const billed = new Map<number, number>();
  for (const line of data.filter(isFinal).flatMap(({ lines }) => lines.data)) {
    const start = line.period.start * 1_000;
    if (line.amount > 0) billed.set(start, (billed.get(start) ?? 0) + (line.quantity ?? 0));
  }
  const sum = [...billed.values()].reduce((all, quantity) => all + quantity, 0);
  expect(sum, `billed to ${account}`).toBeLessThanOrEqual(expectation.payableQuantity);
  const expected = expectation.invoices(scene.gaps, scene.now);
  if (expected) expect(billed, `invoices of ${account}`).toEqual(expected);
}

function isFinal({ status }: Stripe.Invoice): boolean {
  return status === 'paid' || status === 'open';
}
