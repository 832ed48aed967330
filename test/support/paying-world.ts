import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DAY, HOUR, MINUTE } from './credits-scene.ts';
import { temporaryDirectory } from './folders.ts';
import { createWorld, type WorldOptions } from './world.ts';

/** Where reports are sent. */
export const METER_EVENTS = { method: 'POST', path: '/v1/billing/meter_events' } as const;
/** Where Stripe tells what it counted. */
export const SUMMARIES = { method: 'GET', path: /\/event_summaries$/ } as const;
export const ALWAYS = { times: Number.POSITIVE_INFINITY } as const;

/** One account on the volume price with some usage, an hour later. */
export async function createPayingWorld(options: WorldOptions = {}) {
  const world = await createWorld({ path: join(temporaryDirectory(), 'usage.db'), ...options });
  const { customer, subscription } = await world.subscribe();
  await world.usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
  await world.usage.increment({ account: 'acct_1', quantity: 70 });
  world.clock.advance(HOUR);
  const end = (subscription.items.data[0]?.current_period_end ?? 0) * 1_000;
  const requests = (path: RegExp, method = 'GET') =>
    world.simulator.requests().filter((request) => request.method === method && path.test(request.path));

  return {
    ...world,
    customer,
    subscription,
    /** Of the billing period that the world begins in. */
    end,
    /** What Stripe has counted so far, of all time. */
    counted: () => world.simulator.counted(customer.id, 'credits', 0, Date.UTC(2100, 0, 1)),
    firstReport: async () => (await world.usage.get({ account: 'acct_1' })).reports[0],
    /** Requests that sent a report. */
    sent: () => requests(/^\/v1\/billing\/meter_events$/, 'POST'),
    /** Requests for what was counted. */
    reads: () => requests(SUMMARIES.path),
    /** Reports that count, as they are in an embedded database. */
    rows: () => reportRows(world.path),
    /** Something that is no part of the product sends a meter event of the customer. */
    sendForeign: (value: number, timestamp: number) =>
      world.stripe.billing.meterEvents.create({
        event_name: 'credits',
        payload: { stripe_customer_id: customer.id, value: String(value) },
        timestamp: Math.floor(timestamp / 1_000),
      }),
    /** Uses some and lets a day pass, some times over. */
    async useDaily(quantity: number, days: number) {
      for (let day = 0; day < days; day += 1) {
        await world.usage.increment({ account: 'acct_1', quantity });
        await world.passTime(world.clock.now() + DAY);
      }
    },
    /** What all final invoices bill together. */
    billedQuantity: async () =>
      (await world.billedLines(customer.id)).reduce((sum, { quantity }) => sum + (quantity ?? 0), 0),
  };
}

export type PayingWorld = Awaited<ReturnType<typeof createPayingWorld>>;

/** What a row of the table `usage` tells beyond `usage.get`. */
export interface ReportRow {
  readonly status: string;
  readonly reason: string | null;
  readonly quantity: number;
  readonly attempts: number;
  readonly slot: number | null;
  readonly reported_at: number | null;
  readonly verified_at: number | null;
}

function reportRows(path: string): ReportRow[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const columns = 'status, reason, quantity, attempts, slot, reported_at, verified_at';
    const rows = database
      .prepare(`SELECT ${columns} FROM usage WHERE status NOT IN ('open', 'voided') ORDER BY report_id`)
      .all();
    return rows.map((row) => row as unknown as ReportRow);
  } finally {
    database.close();
  }
}

/** The start of the UTC minute in which a report is stamped. */
export function minuteOfSlot({ slot }: Pick<ReportRow, 'slot'>): number {
  return Math.floor((slot ?? 0) / MINUTE) * MINUTE;
}
