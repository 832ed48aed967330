import assert from 'node:assert/strict';
import type { SubscriptionItem } from '../core/billing-period.ts';
import { DAY_MS } from '../core/instant.ts';
import type { Agenda, Store, UsageEntry } from '../core/store.ts';
import type { UsageReport } from '../core/usage-report.ts';

/** 10 January 2026, 12:00 UTC: where the subscription of the scene begins. */
export const NOW = Date.UTC(2026, 0, 10, 12);
/** Where its first billing period ends. */
export const END = NOW + 31 * DAY_MS;
export const ALL_TIME = { start: 0, end: Date.UTC(2100, 0, 1) };
export const ACCOUNT = 'acct_1';
export const CUSTOMER = 'cus_1';

/** Proves one thing on a new, empty store. */
export type Check = (name: string, run: (store: Store) => Promise<void>) => void;

export function checkOn({
  test,
  open,
}: {
  readonly test: (name: string, run: () => Promise<void>) => void;
  readonly open: () => Promise<Store>;
}): Check {
  return (name, run) =>
    test(name, async () => {
      const store = await open();
      try {
        await run(store);
      } finally {
        await store.close();
      }
    });
}

/** One unit of the account, used when it is recorded. */
export function entry(fields: Partial<UsageEntry> = {}): UsageEntry {
  return {
    account_id: ACCOUNT,
    meter: 'credits',
    quantity: 1,
    occurred_at: null,
    idempotency_key: null,
    content: fields.idempotency_key ? '1||' : null,
    properties: null,
    ...fields,
  };
}

/** A monthly subscription item, in its first period. */
export function itemFrom(started_at: number, fields: Partial<SubscriptionItem> = {}): SubscriptionItem {
  return {
    stripe_subscription: 'sub_1',
    stripe_subscription_item: 'si_1',
    meter: 'credits',
    stripe_price: 'price_1',
    price: { currency: 'usd', unit_amount_decimal: '1' },
    anchor: started_at,
    interval: 'month',
    interval_count: 1,
    started_at,
    billed_from: started_at,
    trial_end: null,
    ended_at: null,
    current_period_start: started_at,
    current_period_end: started_at + 31 * DAY_MS,
    ...fields,
  };
}

/** I2. */
export async function assertQuantitiesAreSums(store: Store, reports: readonly UsageReport[]): Promise<void> {
  const report_ids = reports.map(({ report_id }) => report_id);
  const { quantities } = await store.sumUsage({
    account_id: ACCOUNT,
    meter: 'credits',
    range: ALL_TIME,
    report_ids,
  });
  for (const { report_id, quantity } of reports) assert.equal(quantities.get(report_id), quantity);
}

/** When the worker has something to do next. */
export function agenda(store: Store): Promise<Agenda> {
  return store.readAgenda({ job: 'usage' });
}
