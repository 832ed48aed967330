import type { BillingProvider, SendReportResult } from '../core/billing-provider.ts';
import type { Instant } from '../core/environment.ts';
import { HOUR_MS, MINUTE_MS } from '../core/instant.ts';
import type { ReportChanges } from '../core/store.ts';
import { chooseSlot, identifierOf, minuteOf, type Slot, type UsageReport } from '../core/usage-report.ts';
import type { ReportOutcomes } from './report-outcomes.ts';
import type { ReporterContext, Settled } from './reporter-context.ts';
import { SlotReader } from './slot-reader.ts';

/** Stripe promises to recognise an identifier for 24 hours; from here on its count is asked before sending again. */
const BLIND_RESEND_MS = 22 * HOUR_MS;
/** An attempt that a crash left behind is taken up again after this. */
const ABANDONED_MS = MINUTE_MS;

/** Sends reports to Stripe, and finds out what became of attempts without an answer. */
export class ReportSender {
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
   * Sends a sealed report that Stripe has not been asked to count.
   *
   * @param billed_from since when its price is Stripe's.
   */
  async send(report: UsageReport, stripe_customer: string, billed_from: Instant): Promise<Settled> {
    const slot = await this.#freeSlot(report, stripe_customer, billed_from);
    if (!slot) {
      const last_error = 'Stripe no longer takes usage of this age.';
      return await this.#outcomes.hold(report, 'too_old', last_error, null);
    }
    const { environment } = this.#context;
    const identifier = identifierOf(report, report.generation, (text) => environment.digest(text));
    const identity = { stripe_customer, identifier, slot: slot.at };
    return await this.#attempt({ ...report, ...identity }, { ...identity, slot_shared: slot.shared });
  }

  /** Goes on with a report that was sent: its last attempt has no answer, or Stripe has not counted it as it should. */
  async resume(report: UsageReport): Promise<Settled> {
    const now = this.#context.environment.clock.now();
    const isKnownAtStripe = report.reason !== null;
    const first = report.first_attempt_at ?? now;
    if (!isKnownAtStripe && now - first < BLIND_RESEND_MS) return await this.#attempt(report);
    const reading = await this.#slots.read(report);
    if (reading === 'present') return await this.#outcomes.prove(report);
    if (reading === 'foreign') return await this.#outcomes.holdForeign(report);
    if (reading === 'unclear') return await this.#outcomes.awaitCount(report, reading);
    if (reading === 'absent') {
      return isKnownAtStripe ? await this.#outcomes.awaitCount(report, reading) : await this.#attempt(report);
    }
    // A count that Stripe refuses to tell, as of a customer that was deleted, will not be told tomorrow either.
    return reading.outcome === 'refused'
      ? await this.#outcomes.awaitCount(report, 'absent')
      : await this.#outcomes.postpone(report, reading);
  }

  async #freeSlot(report: UsageReport, stripe_customer: string, billed_from: Instant): Promise<Slot | null> {
    const { period_start: start, period_end: end, meter } = report;
    if (end === null) throw new Error('An open report cannot be sent.');
    const range = { start: minuteOf(start), end: minuteOf(end) + MINUTE_MS };
    const uses = await this.#context.store.listSlots({ stripe_customer, meter, range });
    const taken = new Set(uses.map(({ slot }) => minuteOf(slot)));
    return chooseSlot({ start, end }, taken, this.#context.environment.clock.now(), billed_from);
  }

  /** The intent to send is stored before the request is made (I6). */
  async #attempt(report: UsageReport, identity: ReportChanges = {}): Promise<Settled> {
    const { stripe_customer, identifier, slot, meter, quantity } = report;
    if (stripe_customer === null || identifier === null || slot === null) {
      throw new Error('A report without customer, identifier or slot cannot be sent.');
    }
    const now = this.#context.environment.clock.now();
    const attempt = report.attempts + 1;
    const intent = {
      status: 'sending',
      reason: null,
      attempts: attempt,
      first_attempt_at: report.first_attempt_at ?? now,
    } as const;
    const isOurs = await this.#outcomes.change(report, {
      ...identity,
      ...intent,
      due_at: now + ABANDONED_MS,
    });
    if (!isOurs) return 'waiting'; // another worker was faster
    const result = await this.#provider.sendReport({
      meter,
      stripe_customer,
      quantity,
      slot,
      identifier,
      attempt,
    });
    return await this.#conclude({ ...report, ...intent }, result, report.first_attempt_at !== null);
  }

  /** @param isRepeated whether an earlier attempt may have had an effect. */
  async #conclude(report: UsageReport, result: SendReportResult, isRepeated: boolean): Promise<Settled> {
    switch (result.outcome) {
      case 'accepted':
        return await this.#outcomes.accept(report);
      case 'duplicate':
        // From an attempt before, of ours or not: only Stripe's count proves that it is this report.
        return await this.#find({ ...report, reason: 'not_counted' });
      case 'refused':
        return isRepeated
          ? await this.#find({ ...report, reason: 'refused', last_error: result.message })
          : await this.#outcomes.fail(report, result.message);
      case 'unknown':
        return await this.#outcomes.postpone(report, result);
    }
  }

  /** Stored first, so that a crash does not send it again. */
  async #find(report: UsageReport): Promise<Settled> {
    const { reason, last_error } = report;
    await this.#outcomes.change(report, { reason, last_error });
    return await this.resume(report);
  }
}
