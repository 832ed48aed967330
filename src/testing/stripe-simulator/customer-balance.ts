import type { InvoiceRecord, SettlementRecord } from './records.ts';
import type { Simulation } from './simulation.ts';

/** What an invoice comes to: as it was when it became final, or of a draft as it would be now. */
export function settlementOf(
  { state }: Simulation,
  { customer, finalized }: InvoiceRecord,
  total: number,
): SettlementRecord {
  return finalized?.settlement ?? settled(total, state.customers.get(customer)?.balance ?? 0);
}

/** Credit pays first, and a negative total becomes credit (docs.stripe.com/billing/customer/balance). */
function settled(total: number, starting_balance: number): SettlementRecord {
  const sum = starting_balance + total;
  return { amount_due: Math.max(0, sum), starting_balance, ending_balance: Math.min(0, sum) };
}

/** What an invoice comes to that nobody is asked to pay: it leaves the credit alone. */
export function unsettled(
  { state }: Simulation,
  { customer }: InvoiceRecord,
  total: number,
): SettlementRecord {
  const balance = state.customers.get(customer)?.balance ?? 0;
  return { amount_due: total, starting_balance: balance, ending_balance: balance };
}

/** Writes down the balance that a final invoice leaves. */
export function applySettlement({ state }: Simulation, { customer, finalized }: InvoiceRecord): void {
  const record = state.customers.get(customer);
  const balance = finalized?.settlement.ending_balance;
  if (record && balance !== undefined && balance !== record.balance) {
    state.customers.put({ ...record, balance });
  }
}
