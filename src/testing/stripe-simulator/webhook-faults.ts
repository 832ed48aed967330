/**
 * What goes wrong between Stripe and the endpoint:
 * - `drop`: the event never arrives, as if something in between had swallowed it with a 200.
 * - `duplicate`: it arrives twice.
 * - `delay`: it arrives `within_ms` later. `reorder`: at a random instant within them, so that later events overtake it.
 */
export type WebhookFaultKind = 'drop' | 'duplicate' | 'delay' | 'reorder';

/** A fault of the delivery of events. Faults are asked for by a test and not saved in the state file. */
export interface WebhookFault {
  readonly kind: WebhookFaultKind;
  /** The beginning of the event's type, such as `invoice.`. Default: any. */
  readonly type?: string;
  /** How many events it hits. Default 1; `Infinity` for all that follow. */
  readonly times?: number;
  /** How many matching events pass before the first hit. Default 0. */
  readonly skip?: number;
  /** From 0 to 1: the chance that it hits an event that matches, by the simulator's seed. Default 1. */
  readonly probability?: number;
  /** For `delay` and `reorder`: milliseconds of the simulator's clock. Default: one hour. */
  readonly within_ms?: number;
}

/** The faults that the delivery of events is to have; an event can meet several at once. */
export class WebhookFaults {
  #armed: { readonly fault: WebhookFault; toSkip: number; left: number }[] = [];

  /** Adds a fault, for events that happen from now on. */
  add(fault: WebhookFault): void {
    this.#armed.push({ fault, toSkip: fault.skip ?? 0, left: fault.times ?? 1 });
  }

  /** Events arrive again, once and at once. */
  clear(): void {
    this.#armed = [];
  }

  /** The faults that hit an event. @param random a number from [0, 1), drawn only where chance decides. */
  take(type: string, random: () => number): WebhookFault[] {
    return this.#armed.flatMap((armed) => {
      const { fault } = armed;
      if (armed.left <= 0 || !type.startsWith(fault.type ?? '')) return [];
      if (armed.toSkip > 0) {
        armed.toSkip -= 1;
        return [];
      }
      if (fault.probability !== undefined && random() >= fault.probability) return [];
      armed.left -= 1;
      return [fault];
    });
  }
}
