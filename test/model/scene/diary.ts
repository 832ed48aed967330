import type Stripe from 'stripe';
import { SECOND } from '../../simulation/time.ts';

/** A subscription as Stripe told of it, at some instant. */
export interface Snapshot {
  readonly at: number;
  readonly subscription: Stripe.Subscription;
}

/** Stripe's own account of when it did what, from its events. */
export class Diary {
  readonly #snapshots: Snapshot[] = [];
  readonly #known = new Set<string>();

  /** @param body of an event; one that comes again is known. */
  note(body: string): void {
    // What the simulator sends is held to the types of the SDK.
    const event = JSON.parse(body) as Stripe.Event;
    if (!event.type.startsWith('customer.subscription.') || this.#known.has(event.id)) return;
    this.#known.add(event.id);
    const subscription = event.data.object as Stripe.Subscription;
    this.#snapshots.push({ at: event.created * SECOND, subscription });
  }

  /** Oldest first. */
  of(subscription: string): readonly Snapshot[] {
    return this.#snapshots.filter((snapshot) => snapshot.subscription.id === subscription);
  }
}
