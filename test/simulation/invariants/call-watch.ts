import type {
  ReadCountedParams,
  ReadCountedResult,
  SendReportParams,
} from '../../../src/core/billing-provider.ts';
import { UsageError } from '../../../src/core/errors.ts';
import type { MeterEventRecord } from '../../../src/testing/stripe-simulator/records.ts';
import type { AppProcess } from '../app/app-process.ts';
import type { Scene } from '../scene/scene.ts';
import { DAY, HOUR } from '../time.ts';
import { InvariantBroken, must, mustEqual } from './broken.ts';

/** From here on after the first attempt, Stripe's count is asked before anything is sent again. */
const CUT_OFF = 22 * HOUR;
/** So long after Stripe took it, an identifier is a new one to Stripe. */
const FORGOTTEN = DAY;

interface SlotRead {
  readonly process: AppProcess;
  readonly customer: string;
  readonly start: number;
  readonly end: number;
  readonly at: number;
}

/** Looks at every call of a port in its turn, before it is made. */
export class CallWatch {
  readonly #scene: Scene;
  /** What was wrong. Thrown into the product, it would look like a failure of its own. */
  readonly #broken: InvariantBroken[] = [];
  #reads: SlotRead[] = [];

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  async before(process: AppProcess, label: string, params: unknown): Promise<void> {
    this.#failIfPoisoned(label, params);
    if (label !== 'provider.sendReport') return;
    try {
      // The label says which method's parameters these are.
      await this.#sending(process, params as SendReportParams);
    } catch (error) {
      if (!(error instanceof InvariantBroken)) throw error;
      this.#broken.push(error);
    }
  }

  after(process: AppProcess, label: string, params: unknown, result: unknown): void {
    if (label !== 'provider.readCounted' || (result as ReadCountedResult).outcome !== 'read') return;
    const { stripe_customer: customer, start, end } = params as ReadCountedParams;
    this.#reads.push({ process, customer, start, end, at: this.#scene.now });
  }

  /** @throws InvariantBroken what was wrong with a call so far. */
  check(): void {
    const [broken] = this.#broken.splice(0);
    if (broken) throw broken;
  }

  /** I6, I7, I11, I18: whatever is sent to Stripe was written down before, as it is sent. */
  async #sending(process: AppProcess, params: SendReportParams): Promise<void> {
    const { identifier, attempt, stripe_customer, quantity, slot, meter } = params;
    const row = await this.#scene.ledger.reportWith(identifier);
    must(row !== null, 'I6', `${identifier} is sent and in no report`);
    const name = `report ${row.account_id}|${row.report_id}`;
    must(
      row.attempts >= attempt,
      'I6',
      `attempt ${attempt} of ${name} is not written down (${row.attempts} are)`,
    );
    must(
      row.attempts > attempt || row.status === 'sending',
      'I6',
      `${name} is sent while it is ${row.status}`,
    );
    mustEqual(quantity, row.quantity, 'I11', `quantity of ${name}`);
    mustEqual(slot, row.slot, 'I11', `slot of ${name}`);
    mustEqual(stripe_customer, row.stripe_customer, 'I11', `customer of ${name}`);
    mustEqual(meter, row.meter, 'I11', `meter of ${name}`);
    must(quantity !== 0, 'I5', `${name} is sent with nothing in it`);
    this.#checkCutOff(process, params, row.first_attempt_at ?? this.#scene.now, name);
  }

  #checkCutOff(
    process: AppProcess,
    { identifier, stripe_customer, slot }: SendReportParams,
    first_attempt_at: number,
    name: string,
  ): void {
    const { now, stripe } = this.#scene;
    if (now - first_attempt_at < FORGOTTEN) return;
    // One that came again in the meantime, and is not counted yet, Stripe still knows by its identifier.
    const hasForgotten = ({ status, received_at_ms, ...event }: MeterEventRecord) =>
      event.identifier === identifier && status !== 'rejected' && now - received_at_ms >= FORGOTTEN;
    const isCountedTwice = stripe.simulator.events().some(hasForgotten);
    must(!isCountedTwice, 'I7', `${name} is sent again a day later, and Stripe has it`);
    const isRead = (read: SlotRead) =>
      read.process === process &&
      read.customer === stripe_customer &&
      read.start <= slot &&
      slot < read.end &&
      read.at >= first_attempt_at + CUT_OFF;
    must(this.#reads.some(isRead), 'I7', `${name} is sent again a day later, unasked`);
  }

  #failIfPoisoned(label: string, params: unknown): void {
    const { poison } = this.#scene;
    if (!poison || poison.timesLeft === 0 || !POISONED.has(label) || accountOf(params) !== poison.account)
      return;
    poison.timesLeft -= 1;
    throw new UsageError('storage_failed', { reason: POISON });
  }
}

/** What a poisoned account's failures say. */
export const POISON = 'The simulation has poisoned this account.';
const POISONED = new Set(['store.getAccount', 'store.changeReport', 'store.listUnfinishedReports']);

function accountOf(params: unknown): unknown {
  const { account_id, report } = params as { account_id?: string; report?: { account_id: string } };
  return account_id ?? report?.account_id;
}
