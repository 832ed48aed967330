import type { Period } from '../core/billing-period.ts';
import type { BillingProvider, Failed } from '../core/billing-provider.ts';
import type { SlotUse, Store } from '../core/store.ts';
import { divisionOf, type StripeReading } from '../core/stripe-count.ts';

export interface ReadStripeParams {
  readonly meter: string;
  readonly stripe_customer: string;
  /** Whole minutes. */
  readonly range: Period;
}

export type StripeReadings =
  | { readonly outcome: 'read'; readonly readings: readonly StripeReading[] }
  | Failed;

/** Summaries read to find the minutes that differ; one is enough where nothing does. */
const MAX_DIVISIONS = 64;
/** Stripe counts, and reports are sent, while summaries are read: then they do not fit together. */
const MAX_TRIES = 3;

/**
 * What Stripe counted in a range, divided until the minutes that differ from the reports stand by themselves. Divided
 * readings fit together: where anything changed meanwhile, they are read again.
 */
export async function readStripe(
  { store, provider }: { readonly store: Store; readonly provider: BillingProvider },
  { meter, stripe_customer, range }: ReadStripeParams,
): Promise<StripeReadings> {
  const countOf = async ({ start, end }: Period): Promise<number> => {
    const read = await provider.readCounted({ meter, stripe_customer, start, end });
    if (read.outcome === 'read') return read.quantity;
    throw new NotRead(read);
  };
  const look = async (): Promise<StripeReading> => {
    const uses = await store.listSlots({ stripe_customer, meter, range });
    return { range, counted: await countOf(range), uses };
  };
  try {
    let whole = await look();
    for (let tries = 1; ; tries += 1) {
      const readings = await divide(whole, { left: MAX_DIVISIONS, countOf });
      const again = readings.length === 1 ? whole : await look();
      if (tries === MAX_TRIES || isSame(whole, again)) return { outcome: 'read', readings };
      whole = again;
    }
  } catch (error) {
    if (error instanceof NotRead) return error.failure;
    throw error;
  }
}

interface Divisions {
  left: number;
  readonly countOf: (range: Period) => Promise<number>;
}

async function divide(reading: StripeReading, divisions: Divisions): Promise<StripeReading[]> {
  const at = divisions.left === 0 ? null : divisionOf(reading);
  if (at === null) return [reading];
  divisions.left -= 1;
  const { range, counted, uses } = reading;
  const first = { start: range.start, end: at };
  const countedFirst = await divisions.countOf(first);
  const parts: StripeReading[] = [
    { range: first, counted: countedFirst, uses: uses.filter(({ slot }) => slot < at) },
    {
      range: { start: at, end: range.end },
      counted: counted - countedFirst,
      uses: uses.filter(({ slot }) => slot >= at),
    },
  ];
  const divided: StripeReading[] = [];
  for (const part of parts) divided.push(...(await divide(part, divisions)));
  return divided;
}

function isSame(one: StripeReading, other: StripeReading): boolean {
  return one.counted === other.counted && statesOf(one.uses) === statesOf(other.uses);
}

function statesOf(uses: readonly SlotUse[]): string {
  const states = uses.map(({ account_id, report_id, status }) => [account_id, report_id, status]);
  return JSON.stringify(states.sort());
}

class NotRead extends Error {
  readonly failure: Failed;

  constructor(failure: Failed) {
    super(failure.message);
    this.failure = failure;
  }
}
