import type { BillingProvider, Failed } from '../core/billing-provider.ts';
import { MINUTE_MS } from '../core/instant.ts';
import type { SlotUse } from '../core/store.ts';
import { minuteOf, type UsageReport } from '../core/usage-report.ts';
import type { ReportOutcomes } from './report-outcomes.ts';
import type { ReportCounts, ReporterContext, Settled } from './reporter-context.ts';
import { isUseOf, mayBeCounted, SlotReader } from './slot-reader.ts';

/** Minutes that are read one by one for a customer and meter in one run; the rest follows in the next. */
const MAX_SINGLE_READS = 25;

/** Reads back from Stripe what it counted of the reports that it accepted. */
export class Verifier {
  readonly #context: ReporterContext;
  readonly #provider: BillingProvider;
  readonly #outcomes: ReportOutcomes;
  readonly #slots: SlotReader;

  constructor(context: ReporterContext, provider: BillingProvider, outcomes: ReportOutcomes) {
    this.#context = context;
    this.#provider = provider;
    this.#outcomes = outcomes;
    this.#slots = new SlotReader(context.store, provider);
  }

  /**
   * @param accepted all reports of an account that Stripe has accepted and that are not verified yet.
   * @param urgent whether they are read now, though they are not due: something waits for the proof.
   */
  async verify(accepted: readonly UsageReport[], counts: ReportCounts, urgent: boolean): Promise<void> {
    const groups = Map.groupBy(accepted, ({ stripe_customer, meter }) => `${stripe_customer} ${meter}`);
    for (const group of groups.values()) {
      const due = urgent ? group : this.#due(group);
      if (due.length > 0) await this.#verifyGroup(group, due, counts);
    }
  }

  /** One summary over all their minutes covers many reports; single minutes are read where it differs. */
  async #verifyGroup(
    reports: readonly UsageReport[],
    due: readonly UsageReport[],
    counts: ReportCounts,
  ): Promise<void> {
    const isWhole = await this.#isCountedWhole(reports);
    if (typeof isWhole === 'object' && isWhole.outcome === 'unknown') {
      for (const report of due) counts[await this.#outcomes.postpone(report, isWhole)] += 1;
      return;
    }
    if (isWhole === true) {
      for (const report of reports) counts[await this.#outcomes.prove(report)] += 1;
      return;
    }
    for (const report of due.slice(0, MAX_SINGLE_READS)) {
      counts[await this.#verifyOne(report)] += 1;
    }
  }

  #due(reports: readonly UsageReport[]): UsageReport[] {
    const now = this.#context.environment.clock.now();
    return reports.filter(({ due_at }) => due_at !== null && due_at <= now);
  }

  /** Whether Stripe counted them all, and nothing else, from the first of their minutes to the last. */
  async #isCountedWhole(reports: readonly UsageReport[]): Promise<boolean | Failed> {
    const [{ stripe_customer, meter } = { stripe_customer: null, meter: '' }] = reports;
    const minutes = reports.flatMap(({ slot }) => (slot === null ? [] : minuteOf(slot)));
    if (stripe_customer === null) throw new Error('A report without customer was accepted.');
    const range = { start: Math.min(...minutes), end: Math.max(...minutes) + MINUTE_MS };
    const slots = await this.#context.store.listSlots({ stripe_customer, meter, range });
    const uses = slots.filter(mayBeCounted);
    const isOurs = (use: SlotUse) => reports.some((report) => isUseOf(use, report));
    // Of others, in between, whose fate is open, a sum does not tell which of them it holds.
    if (uses.some((use) => use.verified_at === null && !isOurs(use))) return false;
    // Nor whether a correction and what it takes back are both counted, or neither is.
    if (uses.some((use) => use.verified_at === null && use.quantity < 0)) return false;
    const read = await this.#provider.readCounted({ meter, stripe_customer, ...range });
    if (read.outcome !== 'read') return read;
    return read.quantity === uses.reduce((sum, { quantity }) => sum + quantity, 0);
  }

  async #verifyOne(report: UsageReport): Promise<Settled> {
    const reading = await this.#slots.read(report);
    if (reading === 'present') return await this.#outcomes.prove(report);
    if (reading === 'foreign') return await this.#outcomes.holdForeign(report);
    if (typeof reading === 'string') return await this.#outcomes.awaitCount(report, reading);
    // A count that Stripe refuses to tell, as of a customer that was deleted, will not be told tomorrow either.
    return reading.outcome === 'refused'
      ? await this.#outcomes.awaitCount(report, 'absent')
      : await this.#outcomes.postpone(report, reading);
  }
}
