import type { UnflushedBill, UnflushedBillScope } from '../core/unflushed-bill.ts';
import type { Db } from './report-rows.ts';

const COLUMNS = [
  'account_id',
  'meter',
  'period_start',
  'bill_id',
  'period_end',
  'stripe_customer',
  'quantity',
  'amount',
  'currency',
  'description',
  'billed_at',
  'actor',
  'reason',
] as const;

export async function listUnflushedBills(db: Db, scope: UnflushedBillScope): Promise<UnflushedBill[]> {
  return await ofPeriod(db, scope).orderBy('bill_id').execute();
}

export async function addUnflushedBill(db: Db, bill: UnflushedBill): Promise<UnflushedBill> {
  await db
    .insertInto('unflushed_bill')
    .values(bill)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return await ofPeriod(db, bill).where('bill_id', '=', bill.bill_id).executeTakeFirstOrThrow();
}

function ofPeriod(db: Db, { account_id, meter, period_start }: UnflushedBillScope) {
  return db
    .selectFrom('unflushed_bill')
    .select(COLUMNS)
    .where((eb) => eb.and({ account_id, meter, period_start }));
}
