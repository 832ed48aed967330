import type { BillingProvider, Failed } from '../core/billing-provider.ts';
import { MINUTE_MS } from '../core/instant.ts';
import type { SlotUse, Store } from '../core/store.ts';
import { interpretSlot, minuteOf, type SlotReading, type UsageReport } from '../core/usage-report.ts';

/** Asks Stripe whether it counted a report, by the report's minute. */
export class SlotReader {
  readonly #store: Store;
  readonly #provider: BillingProvider;

  constructor(store: Store, provider: BillingProvider) {
    this.#store = store;
    this.#provider = provider;
  }

  /** What the minute says, next to others that share it and may be counted by now. */
  async read(report: UsageReport): Promise<SlotReading | Failed> {
    const { stripe_customer, slot, meter } = report;
    if (stripe_customer === null || slot === null) throw new Error('A report without slot was sent.');
    const range = { start: minuteOf(slot), end: minuteOf(slot) + MINUTE_MS };
    const uses = await this.#store.listSlots({ stripe_customer, meter, range });
    const others = uses.filter((use) => !isUseOf(use, report) && mayBeCounted(use));
    const read = await this.#provider.readCounted({ meter, stripe_customer, ...range });
    if (read.outcome !== 'read') return read;
    const proven = others.filter(({ verified_at }) => verified_at !== null);
    const open = others.filter(({ verified_at }) => verified_at === null);
    return interpretSlot(
      read.quantity - proven.reduce((sum, { quantity }) => sum + quantity, 0),
      report.quantity,
      open.map(({ quantity }) => quantity),
    );
  }
}

/** A report fails only when it is known to have had no effect. */
export function mayBeCounted({ status }: SlotUse): boolean {
  return status !== 'failed';
}

export function isUseOf(use: SlotUse, { account_id, report_id }: UsageReport): boolean {
  return use.account_id === account_id && use.report_id === report_id;
}
