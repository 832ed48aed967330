import type { LicensedPrice } from './plan.ts';
import type { PriceTerms } from './price-difference.ts';

/** A meter as Stripe has it. */
export interface ListedMeter {
  /** `mtr_…` */
  readonly stripe_meter: string;
  readonly event_name: string;
  readonly display_name: string;
  readonly active: boolean;
  /** `sum`, `count` or `last`. */
  readonly formula: string;
  /** Payload keys of the customer and of the quantity. */
  readonly customer_key: string;
  readonly value_key: string;
  /** Usage is expected to be summed up by `hour` or `day` before it is sent; null = it is not. */
  readonly event_time_window: string | null;
}

export interface ListedProduct {
  /** `prod_…`, or what {@link productIdOf} says. */
  readonly stripe_product: string;
  readonly name: string;
  readonly active: boolean;
  /** The plan that `push` made it for, from its metadata; null = it was made elsewhere. */
  readonly plan: string | null;
}

/** A price as Stripe has it, of whatever kind. */
export interface ListedPrice extends PriceTerms {
  readonly stripe_price: string;
  readonly lookup_key: string | null;
  readonly active: boolean;
  /** `mtr_…`; null = the price is licensed. */
  readonly stripe_meter: string | null;
  readonly stripe_product: string;
  /** The plan that `push` made it for, from its metadata; null = it was made elsewhere. */
  readonly plan: string | null;
  /** Of a licensed price that `push` made, from its metadata; null = not known. */
  readonly quantity: LicensedPrice['quantity'] | null;
  /** What a plan of the configuration cannot say of it; null = nothing. */
  readonly beyond: string | null;
}

/** What Stripe has, as far as it was asked. */
export interface Catalogue {
  /** Newest first, as Stripe lists them. */
  readonly meters: readonly ListedMeter[];
  readonly products: readonly ListedProduct[];
  readonly prices: readonly ListedPrice[];
}

/** A price that is to be made, with its key at Stripe. */
export interface NewPrice extends PriceTerms {
  readonly lookup_key: string;
  /** null = the price is metered. */
  readonly quantity: LicensedPrice['quantity'] | null;
}

/** One thing that `push` does at Stripe. */
export type CatalogueChange =
  | { readonly change: 'create_meter'; readonly meter: string; readonly event_name: string }
  | {
      readonly change: 'reactivate_meter';
      readonly meter: string;
      readonly event_name: string;
      readonly stripe_meter: string;
    }
  | {
      readonly change: 'create_product';
      readonly plan: string;
      readonly stripe_product: string;
      readonly name: string;
    }
  | {
      readonly change: 'rename_product';
      readonly plan: string;
      readonly stripe_product: string;
      readonly name: string;
      readonly from: string;
    }
  | { readonly change: 'activate_product'; readonly plan: string; readonly stripe_product: string }
  | {
      readonly change: 'create_price';
      readonly plan: string;
      readonly stripe_product: string;
      readonly price: NewPrice;
      /** The price that has the lookup key now, and what it bills; null = there is none. */
      readonly replaces: { readonly stripe_price: string; readonly terms: PriceTerms } | null;
    }
  | {
      readonly change: 'activate_price' | 'deactivate_price';
      readonly plan: string;
      readonly stripe_price: string;
      readonly lookup_key: string | null;
      readonly terms: PriceTerms;
    };

/** The id of the product that `push` makes for a plan: one that two people can't make twice. */
export function productIdOf(plan: string): string {
  return `tallybook_${plan.replaceAll('.', '_dot_')}`;
}
