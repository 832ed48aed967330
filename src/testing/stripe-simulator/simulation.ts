import { Agenda, type AgendaEntry } from './agenda.ts';
import { MeterEventLog } from './meter-event-log.ts';
import type { InvoiceRecord, SubscriptionRecord } from './records.ts';
import { nextRandom } from './seeded-random.ts';
import type { SimulatorState } from './state.ts';

/** What the simulation is told at its start. */
export interface SimulationSettings {
  readonly seed: number;
  /** Least and most minutes from a meter event's acceptance until it is counted. */
  readonly lag_minutes: readonly [number, number];
  readonly finalize_after_ms: number;
}

const MINUTE_MS = 60_000;

/** The simulated Stripe account: its state, its time and its future. Every rule works on this. */
export class Simulation {
  readonly state: SimulatorState;
  readonly settings: SimulationSettings;
  readonly log: MeterEventLog;
  readonly agenda = new Agenda();
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
    const { id, value: state } = this.state.counters.get('random') ?? {
      id: 'random',
      value: this.settings.seed,
    };
    const step = nextRandom(state);
    this.state.counters.put({ id, value: step.state });
    const [least, most] = this.settings.lag_minutes;
    return Math.round((least + step.value * (most - least)) * MINUTE_MS);
  }

  expectPeriodEnd(subscription: SubscriptionRecord): void {
    const at = nextPeriodEnd(subscription);
    if (at !== null) this.agenda.push({ at, kind: 'period_end', id: subscription.id });
  }

  expectFinalization({ id, finalizes_at_ms }: InvoiceRecord): void {
    if (finalizes_at_ms !== null) this.agenda.push({ at: finalizes_at_ms, kind: 'finalize', id });
  }

  /** Whether the record still expects the entry; plans can change after it was written down. */
  isExpected({ at, kind, id }: AgendaEntry): boolean {
    if (kind === 'count') return this.state.meterEvents.get(id)?.status === 'pending';
    if (kind === 'delayed_request') return this.state.delayedRequests.get(id) !== undefined;
    if (kind === 'finalize') return this.state.invoices.get(id)?.finalizes_at_ms === at;
    const subscription = this.state.subscriptions.get(id);
    return subscription !== undefined && nextPeriodEnd(subscription) === at;
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
    for (const subscription of this.state.subscriptions.values()) this.expectPeriodEnd(subscription);
    for (const invoice of this.state.invoices.values()) this.expectFinalization(invoice);
  }
}

/** Milliseconds; null: the subscription is over. */
function nextPeriodEnd({ status, items }: SubscriptionRecord): number | null {
  return status === 'canceled' ? null : Math.min(...items.map(({ period }) => period.end)) * 1000;
}
