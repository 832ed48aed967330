import { Agenda, type AgendaEntry } from './agenda.ts';
import { MeterEventLog } from './meter-event-log.ts';
import { nextStep } from './next-step.ts';
import type { DeliveryRecord, ErrorReportRecord, InvoiceRecord, SubscriptionRecord } from './records.ts';
import { nextRandom } from './seeded-random.ts';
import type { SimulatorState } from './state.ts';
import { WebhookFaults } from './webhook-faults.ts';

/** What the simulation is told at its start. */
export interface SimulationSettings {
  readonly seed: number;
  /** Least and most minutes from a meter event's acceptance until it is counted. */
  readonly lag_minutes: readonly [number, number];
  readonly finalize_after_ms: number;
  /** `assumed`: a customer without any pays nevertheless. */
  readonly payment_methods: 'assumed' | 'required';
  readonly refuses_tiers_mode_change: boolean;
  /** Moves the clock that everything runs on to an instant in milliseconds; null: it can't be moved from here. */
  readonly moveClock: ((to_ms: number) => void) | null;
  /** Which events there is an endpoint for; others are not kept. */
  readonly events: { readonly snapshot: boolean; readonly thin: boolean };
}

const MINUTE_MS = 60_000;

/** The simulated Stripe account: its state, its time and its future. Every rule works on this. */
export class Simulation {
  readonly state: SimulatorState;
  readonly settings: SimulationSettings;
  readonly log: MeterEventLog;
  readonly agenda = new Agenda();
  readonly webhookFaults = new WebhookFaults();
  /** Where the pages are that customers see: the first address that the simulator listens on. */
  pages_url = 'https://stripe.invalid';
  readonly #deliveries = new Agenda();
  /** The instant that is being simulated; while the past is worked off it lies behind the clock. */
  now_ms = 0;

  constructor(state: SimulatorState, settings: SimulationSettings) {
    this.state = state;
    this.settings = settings;
    this.log = new MeterEventLog(state);
    this.#expectWhatWasSaved();
  }

  get now_s(): number {
    return Math.floor(this.now_ms / 1000);
  }

  /** An id that no other object has: `cus_00000001`. */
  newId(prefix: string): string {
    return `${prefix}_${String(this.#count('id')).padStart(8, '0')}`;
  }

  /** How long the next meter event waits before it is counted, in milliseconds. */
  randomLag(): number {
    const [least, most] = this.settings.lag_minutes;
    return Math.round((least + this.random('random') * (most - least)) * MINUTE_MS);
  }

  /** A number from [0, 1). @param purpose each has a sequence of its own, so that one does not disturb the other. */
  random(purpose: 'random' | 'webhook'): number {
    const { value: state } = this.state.counters.get(purpose) ?? { value: this.settings.seed };
    const step = nextRandom(state);
    this.state.counters.put({ id: purpose, value: step.state });
    return step.value;
  }

  expectPeriodEnd(subscription: SubscriptionRecord): void {
    const at = nextStep(subscription);
    if (at !== null) this.agenda.push({ at, kind: 'period_end', id: subscription.id });
  }

  expectFinalization({ id, finalizes_at_ms }: InvoiceRecord): void {
    if (finalizes_at_ms !== null) this.agenda.push({ at: finalizes_at_ms, kind: 'finalize', id });
  }

  expectErrorReport(report: ErrorReportRecord): void {
    this.state.errorReports.put(report);
    this.agenda.push({ at: report.at_ms, kind: 'error_report', id: report.id });
  }

  /** Delivering takes an endpoint's answer and is done by who waits for that; the agenda says when it is due. */
  expectDelivery(delivery: DeliveryRecord): void {
    this.state.deliveries.put(delivery);
    this.#deliveries.push({ at: delivery.due_at_ms, kind: 'delivery', id: delivery.id });
    this.agenda.push({ at: delivery.due_at_ms, kind: 'delivery', id: delivery.id });
  }

  forgetDelivery({ id }: DeliveryRecord): void {
    this.state.deliveries.delete(id);
  }

  /** The first delivery that is due; null: none is. It stays so until it is expected again or forgotten. */
  nextDelivery(now_ms: number): DeliveryRecord | null {
    const queue = this.#deliveries;
    while (queue.next !== undefined && !this.isExpected(queue.next)) queue.pop();
    const { next } = queue;
    return next !== undefined && next.at <= now_ms ? (this.state.deliveries.get(next.id) ?? null) : null;
  }

  /** Whether the record still expects the entry; plans can change after it was written down. */
  isExpected({ at, kind, id }: AgendaEntry): boolean {
    if (kind === 'count') return this.state.meterEvents.get(id)?.status === 'pending';
    if (kind === 'delayed_request') return this.state.delayedRequests.get(id) !== undefined;
    if (kind === 'error_report') return this.state.errorReports.get(id)?.at_ms === at;
    if (kind === 'delivery') return this.state.deliveries.get(id)?.due_at_ms === at;
    if (kind === 'finalize') return this.state.invoices.get(id)?.finalizes_at_ms === at;
    const subscription = this.state.subscriptions.get(id);
    return subscription !== undefined && nextStep(subscription) === at;
  }

  #count(id: string): number {
    const value = (this.state.counters.get(id)?.value ?? 0) + 1;
    this.state.counters.put({ id, value });
    return value;
  }

  #expectWhatWasSaved(): void {
    for (const event of this.state.meterEvents.values()) {
      if (event.status === 'pending') this.agenda.push({ at: event.due_at_ms, kind: 'count', id: event.id });
    }
    for (const request of this.state.delayedRequests.values()) {
      this.agenda.push({ at: request.at_ms, kind: 'delayed_request', id: request.id });
    }
    for (const report of [...this.state.errorReports.values()]) this.expectErrorReport(report);
    for (const delivery of [...this.state.deliveries.values()]) this.expectDelivery(delivery);
    for (const subscription of this.state.subscriptions.values()) this.expectPeriodEnd(subscription);
    for (const invoice of this.state.invoices.values()) this.expectFinalization(invoice);
  }
}
