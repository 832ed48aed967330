import type { CostResult, Price } from '../client/wire.ts';

/** One step of a price, as it is shown. */
export interface TierStep {
  /** The first unit. */
  readonly first: number;
  /** The last unit; null = there is no end. */
  readonly last: number | null;
  /** Minor units for each; null = none. */
  readonly unit_amount_decimal: string | null;
  /** Minor units once; null = none. */
  readonly flat_amount_decimal: string | null;
  readonly is_current: boolean;
}

/** The tiers of a price, and which of them a quantity has reached. Empty without tiers. */
export function tiersOf(price: Price | null, quantity: number): readonly TierStep[] {
  let first = 1;
  return (price?.tiers ?? []).map(({ up_to, unit_amount_decimal, flat_amount_decimal }) => {
    const last = up_to === 'inf' ? null : up_to;
    // Before the first unit, the first tier is what is next.
    const is_current = Math.max(quantity, 1) >= first && (last === null || quantity <= last);
    const step = {
      first,
      last,
      unit_amount_decimal: isNothing(unit_amount_decimal) ? null : (unit_amount_decimal ?? null),
      flat_amount_decimal: isNothing(flat_amount_decimal) ? null : (flat_amount_decimal ?? null),
      is_current,
    };
    first = (last ?? first) + 1;
    return step;
  });
}

/** Units that cost nothing, however many follow; null = there are none: by volume, one more prices all of them. */
export function includedBy(price: Price | null): number | null {
  const [first] = tiersOf(price, 0);
  const isFree = first?.unit_amount_decimal === null && first.flat_amount_decimal === null;
  return price?.tiers_mode === 'graduated' && isFree ? first.last : null;
}

/** What usage is measured against. */
export interface UsageScale {
  /** `limit`: what the plan allows. `allowance`: units that cost nothing. `tier`: where the next price begins. */
  readonly kind: 'limit' | 'allowance' | 'tier';
  readonly quantity: number;
}

/** null = there is nothing to measure it against. */
export function scaleOf({ limit, price, quantity }: CostResult): UsageScale | null {
  if (limit !== null) return { kind: 'limit', quantity: limit };
  const included = includedBy(price);
  if (included !== null) return { kind: 'allowance', quantity: included };
  const steps = tiersOf(price, quantity);
  const current = steps.find(({ is_current }) => is_current);
  return current?.last == null ? null : { kind: 'tier', quantity: current.last };
}

function isNothing(amount: string | undefined): boolean {
  return amount === undefined || Number(amount) === 0;
}
