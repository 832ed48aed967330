import type Stripe from 'stripe';
import { SECOND } from '../../simulation/time.ts';

/** A subscription as Stripe told of it, at some instant. */
export interface Snapshot {
  readonly at: number;
  readonly subscription: Stripe.Subscription;
}

/** What Stripe told of an invoice: that it was made, or became final. */
export interface InvoiceNote {
  readonly at: number;
  readonly is_final: boolean;
  readonly invoice: Stripe.Invoice;
}

const INVOICE_EVENTS: readonly string[] = ['invoice.created', 'invoice.finalized'];

/** Stripe's own account of when it did what, from its events. */
export class Diary {
  readonly #notes: (Snapshot | InvoiceNote)[] = [];
  readonly #known = new Set<string>();

  /** @param body of an event; one that comes again is known. */
  note(body: string): void {
    // What the simulator sends is held to the types of the SDK.
    const event = JSON.parse(body) as Stripe.Event;
    if (this.#known.has(event.id)) return;
    this.#known.add(event.id);
    const at = event.created * SECOND;
    if (event.type.startsWith('customer.subscription.')) {
      this.#notes.push({ at, subscription: event.data.object as Stripe.Subscription });
    } else if (INVOICE_EVENTS.includes(event.type)) {
      const is_final = event.type === 'invoice.finalized';
      this.#notes.push({ at, is_final, invoice: event.data.object as Stripe.Invoice });
    }
  }

  /** Oldest first. */
  of(subscription: string): readonly Snapshot[] {
    return this.#notes.filter(
      (note): note is Snapshot => 'subscription' in note && note.subscription.id === subscription,
    );
  }

  /** A subscription as it is now; null = Stripe has told nothing of it. */
  last(subscription: string): Stripe.Subscription | null {
    return this.of(subscription).at(-1)?.subscription ?? null;
  }

  /** Snapshots of a subscription, and its invoices, in the order in which Stripe told of them. */
  notesOf(subscription: string): readonly (Snapshot | InvoiceNote)[] {
    return this.#notes.filter((note) =>
      'subscription' in note
        ? note.subscription.id === subscription
        : note.invoice.parent?.subscription_details?.subscription === subscription,
    );
  }

  /** When the invoices of a subscription's periods became final, by the ends of the periods. */
  finalsOf(subscription: string): ReadonlyMap<number, number> {
    const finals = new Map<number, number>();
    for (const note of this.notesOf(subscription)) {
      if (!('invoice' in note) || !note.is_final) continue;
      const { billing_reason, period_end } = note.invoice;
      if (billing_reason === 'subscription_cycle') finals.set(period_end * SECOND, note.at);
    }
    return finals;
  }
}
