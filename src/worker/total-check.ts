import type { BillingProvider, Failed } from '../core/billing-provider.ts';
import type { Instant } from '../core/environment.ts';
import { HOUR_MS, MINUTE_MS } from '../core/instant.ts';
import type { SlotUse } from '../core/store.ts';
import { minuteOf, type UsageReport } from '../core/usage-report.ts';
import type { ReporterContext } from './reporter-context.ts';
import { mayBeCounted } from './slot-reader.ts';

/** A worker that did nothing for so long may find another database than it left. */
const LONG_GAP_MS = HOUR_MS;
/** Customers and meters that are remembered; beyond, they are asked for once more. */
const MAX_REMEMBERED = 1_000_000;

/**
 * Notices a database that was restored from a backup: Stripe has then counted reports that the database does not know
 * of, and what is about to be sent may be among them. The first send of a customer, meter and billing period after a
 * start, or after a long gap, therefore reads the total of the period, and so does every send of a number that is not new:
 * reports are numbered upwards, and under a worker that goes on it tells that the database was set back. And so does every
 * send of usage of an earlier period, back to which it reads.
 */
export class TotalCheck {
  readonly #context: ReporterContext;
  readonly #provider: BillingProvider;
  /** The highest number of a report that passed, by customer, meter and billing period. */
  readonly #passed = new Map<string, number>();
  #lastUsedAt: Instant = Number.NEGATIVE_INFINITY;

  constructor(context: ReporterContext, provider: BillingProvider) {
    this.#context = context;
    this.#provider = provider;
  }

  /** How much more Stripe has counted in the report's billing period than this database knows of; 0 = all is well. */
  async surplus(report: UsageReport, stripe_customer: string): Promise<number | Failed> {
    const now = this.#context.environment.clock.now();
    if (now - this.#lastUsedAt > LONG_GAP_MS || this.#passed.size >= MAX_REMEMBERED) this.#passed.clear();
    this.#lastUsedAt = now;
    const key = JSON.stringify([stripe_customer, report.meter, report.billing_period_start]);
    const newest = this.#passed.get(key);
    const isOwn = knownSince(report) === report.billing_period_start;
    const isNext = isOwn && newest !== undefined && report.report_id > newest;
    const surplus = isNext ? 0 : await readSurplus(this.#context, this.#provider, report, stripe_customer);
    if (surplus === 0) this.#passed.set(key, Math.max(newest ?? 0, report.report_id));
    return surplus;
  }
}

/** What Stripe has counted beyond what is known here and what a person has vouched for. */
export async function readSurplus(
  { store, environment }: Pick<ReporterContext, 'store' | 'environment'>,
  provider: BillingProvider,
  report: UsageReport,
  stripe_customer: string,
): Promise<number | Failed> {
  const { account_id, meter } = report;
  const since = knownSince(report);
  const range = {
    start: minuteOf(since),
    end: minuteOf(environment.clock.now()) + MINUTE_MS,
  };
  // Read before what is known, so that a report that is sent meanwhile does not look unknown.
  const read = await provider.readCounted({ meter, stripe_customer, ...range });
  if (read.outcome !== 'read') return read;
  const uses = await store.listSlots({ stripe_customer, meter, range });
  const acknowledged = await store.acknowledgedUsage({ account_id, meter, since });
  return Math.max(0, read.quantity - acknowledged - mostThatCanBeCounted(uses));
}

/** Usage that is billed next, after its own period, may be what Stripe has already counted there. */
function knownSince({ billing_period_start, first_occurred_at }: UsageReport): Instant {
  return Math.min(billing_period_start, first_occurred_at ?? billing_period_start);
}

/** A negative report lowers the count only once it is counted. */
function mostThatCanBeCounted(uses: readonly SlotUse[]): number {
  return uses
    .filter(mayBeCounted)
    .reduce(
      (sum, { quantity, verified_at }) => sum + (verified_at === null ? Math.max(0, quantity) : quantity),
      0,
    );
}
