import {
  type Catalogue,
  type CatalogueChange,
  type ListedMeter,
  type ListedPrice,
  type ListedProduct,
  type NewPrice,
  productIdOf,
} from './catalogue.ts';
import type { Finding } from './finding.ts';
import type { LicensedPrice, Plan, PlanPrice, Plans, PriceReference } from './plan.ts';
import { differencesOf, type PriceTerms } from './price-difference.ts';

/** What the configuration declares of it. */
export interface DeclaredCatalogue {
  /** Meter → `event_name`. */
  readonly event_names: ReadonlyMap<string, string>;
  readonly plans: Plans;
}

export interface CatalogueComparison {
  /** In the order in which they are made: prices need meters and products, and old prices go last. */
  readonly changes: readonly CatalogueChange[];
  /** What `push` cannot change. */
  readonly findings: readonly Finding[];
  /** Plans of which Stripe sells every price as it is configured. */
  readonly sold: ReadonlySet<string>;
}

/** What the configuration asks Stripe for: prices that it names by their ids or lookup keys. */
export function referencesOf(plans: Plans): PriceReference[] {
  return Object.values(plans).flatMap((plan) => [...plan.prices, ...plan.licensed]);
}

/** What has to change at Stripe so that it has what the configuration declares. */
export function compareCatalogue(declared: DeclaredCatalogue, catalogue: Catalogue): CatalogueComparison {
  const comparison = new Comparison(declared, catalogue);
  for (const [meter, event_name] of declared.event_names) comparison.compareMeter(meter, event_name);
  for (const [plan, { prices, licensed }] of Object.entries(declared.plans)) {
    comparison.comparePlan(plan, [...prices, ...licensed]);
  }
  for (const plan of Object.keys(declared.plans)) comparison.retirePrices(plan);
  return comparison;
}

const ORDER: readonly CatalogueChange['change'][] = [
  'create_meter',
  'reactivate_meter',
  'create_product',
  'rename_product',
  'activate_product',
  'create_price',
  'activate_price',
  'deactivate_price',
];

class Comparison implements CatalogueComparison {
  readonly #declared: DeclaredCatalogue;
  readonly #catalogue: Catalogue;
  readonly #changes: CatalogueChange[] = [];
  readonly findings: Finding[] = [];
  readonly sold = new Set<string>();
  /** Event names of meters that count wrongly: a price of them would bill wrongly. */
  readonly #wrongMeters = new Set<string>();
  /** Ids of prices that the configuration refers to and that bill what it says. */
  readonly #kept = new Set<string>();
  /** Lookup keys that were met, with what they are to bill. */
  readonly #keys = new Map<string, PriceTerms>();

  constructor(declared: DeclaredCatalogue, catalogue: Catalogue) {
    this.#declared = declared;
    this.#catalogue = catalogue;
  }

  get changes(): readonly CatalogueChange[] {
    return [...this.#changes].sort((a, b) => ORDER.indexOf(a.change) - ORDER.indexOf(b.change));
  }

  compareMeter(meter: string, event_name: string): void {
    const named = this.#catalogue.meters.filter((each) => each.event_name === event_name);
    const active = named.find((each) => each.active);
    // A meter's formula never changes, but its name is free again once it is deactivated.
    const inactive = named.find(isUsable);
    if (active) this.#judgeMeter(meter, active);
    else if (!inactive) this.#changes.push({ change: 'create_meter', meter, event_name });
    else {
      const { stripe_meter } = inactive;
      this.#changes.push({ change: 'reactivate_meter', meter, event_name, stripe_meter });
    }
  }

  #judgeMeter(meter: string, at_stripe: ListedMeter): void {
    if (isUsable(at_stripe)) return;
    const { stripe_meter, event_name, formula, event_time_window } = at_stripe;
    this.#wrongMeters.add(event_name);
    this.#find(
      formula === 'sum' ? 'meter_window' : 'meter_formula',
      `meters.${meter}`,
      formula === 'sum'
        ? `${stripe_meter} expects usage that is summed up by ${event_time_window}.`
        : `${stripe_meter} does not add usage up: its formula is ${formula}.`,
      `It can't be changed. Deactivate it in the Dashboard and push again, or set stripe_event_name to a name of its own.`,
    );
  }

  comparePlan(plan: string, prices: readonly (PlanPrice | LicensedPrice)[]): void {
    let isSold = true;
    for (const price of prices) {
      const terms = this.#termsOf(price);
      const isAsConfigured =
        price.stripe_price === null
          ? this.#compareByKey(plan, { ...terms, ...keyAndQuantity(price) })
          : this.#judgeNamed(plan, price.stripe_price, terms);
      isSold &&= isAsConfigured;
    }
    if (isSold) this.sold.add(plan);
    this.#compareProduct(plan);
  }

  /** A price that the configuration names by its id was made elsewhere and is never changed. */
  #judgeNamed(plan: string, stripe_price: string, terms: PriceTerms): boolean {
    const found = this.#catalogue.prices.find((price) => price.stripe_price === stripe_price);
    const differences = found ? this.#differencesOf(terms, found) : [];
    const find = (check: string, what: string) => {
      const remedy = 'Correct `stripe_price` or the price here; a named price is never changed.';
      this.#find(check, stripe_price, what, remedy);
    };
    if (!found)
      find('price_missing', `Stripe has no such price in the mode of the key, and ${plan} names it.`);
    else this.#kept.add(stripe_price);
    if (found?.active === false)
      find('price_inactive', `It takes no new subscriptions, and ${plan} names it.`);
    if (differences.length > 0)
      find('price_differs', `It is not what ${plan} says: ${differences.join('; ')}.`);
    return found?.active === true && differences.length === 0;
  }

  /** @returns whether Stripe sells it as it is configured. */
  #compareByKey(plan: string, price: NewPrice): boolean {
    const { lookup_key, quantity: _, ...terms } = price;
    const shared = this.#keys.get(lookup_key);
    if (shared) return this.#judgeShared(lookup_key, terms, shared);
    this.#keys.set(lookup_key, terms);
    const found = this.#catalogue.prices.find((each) => each.lookup_key === lookup_key) ?? null;
    if (found && this.#differencesOf(terms, found).length === 0) {
      this.#kept.add(found.stripe_price);
      if (!found.active) this.#changes.push(priceChange('activate_price', plan, found));
      return found.active;
    }
    if (terms.event_name !== null && this.#wrongMeters.has(terms.event_name)) return false;
    this.#changes.push({
      change: 'create_price',
      plan,
      stripe_product: found?.stripe_product ?? this.#productOf(plan),
      price,
      replaces: found && { stripe_price: found.stripe_price, terms: bareTerms(found) },
    });
    return false;
  }

  #judgeShared(lookup_key: string, terms: PriceTerms, shared: PriceTerms): boolean {
    if (differencesOf(terms, shared).length === 0) return true;
    const what = 'Two prices that differ have this lookup key.';
    this.#find('lookup_key_shared', lookup_key, what, 'Give each price a lookup key of its own.');
    return false;
  }

  /** Where the plan's prices are already; otherwise a product of its own. */
  #productOf(plan: string): string {
    const keys = keysOf(this.#declared.plans[plan]);
    const { prices } = this.#catalogue;
    const sold = prices.find(({ lookup_key }) => lookup_key !== null && keys.has(lookup_key));
    return sold?.stripe_product ?? productIdOf(plan);
  }

  #compareProduct(plan: string): void {
    const needed = this.#productsFor(plan);
    const own = productIdOf(plan);
    const name = this.#declared.plans[plan]?.name ?? plan;
    for (const stripe_product of new Set([own, ...needed])) {
      const product = this.#catalogue.products.find((each) => each.stripe_product === stripe_product);
      const isNeeded = needed.has(stripe_product);
      if (!product) {
        if (isNeeded) this.#changes.push({ change: 'create_product', plan, stripe_product, name });
      } else if (product.plan === plan) {
        if (product.name !== name) {
          this.#changes.push({ change: 'rename_product', plan, stripe_product, name, from: product.name });
        }
        if (!product.active && isNeeded)
          this.#changes.push({ change: 'activate_product', plan, stripe_product });
      } else if (isNeeded && (stripe_product === own || !product.active)) {
        this.#refuseProduct(plan, product);
      }
    }
  }

  /** Those that prices of the plan belong to, or are to. */
  #productsFor(plan: string): ReadonlySet<string> {
    const made = this.#changes.flatMap((each) =>
      each.change === 'create_price' && each.plan === plan ? [each.stripe_product] : [],
    );
    const keys = keysOf(this.#declared.plans[plan]);
    const sold = this.#catalogue.prices.filter(
      ({ stripe_price, lookup_key }) =>
        this.#kept.has(stripe_price) && lookup_key !== null && keys.has(lookup_key),
    );
    return new Set([...made, ...sold.map(({ stripe_product }) => stripe_product)]);
  }

  #refuseProduct(plan: string, { stripe_product, active }: ListedProduct): void {
    const prices = this.#changes.filter(
      (each) => each.change === 'create_price' && each.stripe_product === stripe_product,
    );
    for (const price of prices) this.#changes.splice(this.#changes.indexOf(price), 1);
    this.#find(
      active ? 'product_taken' : 'product_inactive',
      stripe_product,
      active
        ? `It is not the product of ${plan}: its metadata has no tallybook_plan of that name.`
        : `It is archived, and prices of ${plan} belong to it.`,
      active
        ? `Set its metadata tallybook_plan to ${plan} in the Dashboard, or rename the plan.`
        : 'Unarchive it in the Dashboard, or give the prices of the plan other lookup keys.',
    );
  }

  /** Prices of a plan that were made by `push` and are no longer what is declared take no new subscriptions. */
  retirePrices(plan: string): void {
    for (const price of this.#catalogue.prices) {
      if (price.plan !== plan || !price.active || this.#kept.has(price.stripe_price)) continue;
      if (price.lookup_key !== null && this.#isStuck(price.lookup_key)) continue;
      this.#changes.push(priceChange('deactivate_price', plan, price));
    }
  }

  /** Its replacement can't be made, so that it stays for sale. */
  #isStuck(lookup_key: string): boolean {
    return (
      this.#keys.has(lookup_key) &&
      !this.#changes.some((each) => each.change === 'create_price' && each.price.lookup_key === lookup_key)
    );
  }

  #termsOf(price: PlanPrice | LicensedPrice): PriceTerms {
    const event_name = 'meter' in price ? (this.#declared.event_names.get(price.meter) ?? price.meter) : null;
    const { interval } = price;
    return { ...amountsOnly(price), interval, interval_count: 1, event_name };
  }

  #differencesOf(terms: PriceTerms, found: ListedPrice): string[] {
    const differences = differencesOf(terms, found).map(
      ({ field, configured, at_stripe }) => `${field} ${at_stripe} at Stripe, ${configured} here`,
    );
    const active = this.#catalogue.meters.find((each) => each.active && each.event_name === terms.event_name);
    const isOtherMeter = active !== undefined && active.stripe_meter !== found.stripe_meter;
    if (isOtherMeter && terms.event_name === found.event_name) {
      differences.push(`it bills ${found.stripe_meter}, and ${active.stripe_meter} counts`);
    }
    return found.beyond === null ? differences : [...differences, found.beyond];
  }

  #find(check: string, where: string, what: string, remedy: string): void {
    this.findings.push({ severity: 'error', check, where, what, remedy });
  }
}

function isUsable({ formula, event_time_window }: ListedMeter): boolean {
  return formula === 'sum' && event_time_window === null;
}

function keyAndQuantity(price: PlanPrice | LicensedPrice): Pick<NewPrice, 'lookup_key' | 'quantity'> {
  return { lookup_key: price.lookup_key, quantity: 'quantity' in price ? price.quantity : null };
}

function keysOf(plan: Plan | undefined): ReadonlySet<string> {
  return new Set(plan ? [...plan.prices, ...plan.licensed].map(({ lookup_key }) => lookup_key) : []);
}

function priceChange(
  change: 'activate_price' | 'deactivate_price',
  plan: string,
  price: ListedPrice,
): CatalogueChange {
  const { stripe_price, lookup_key } = price;
  return { change, plan, stripe_price, lookup_key, terms: bareTerms(price) };
}

function bareTerms(price: PriceTerms): PriceTerms {
  const { interval, interval_count, event_name } = price;
  return { ...amountsOnly(price), interval, interval_count, event_name };
}

function amountsOnly({
  currency,
  unit_amount_decimal,
  tiers_mode,
  tiers,
  transform_quantity,
}: PriceTerms | PlanPrice | LicensedPrice) {
  return {
    currency,
    ...(unit_amount_decimal === undefined ? {} : { unit_amount_decimal }),
    ...(tiers_mode === undefined ? {} : { tiers_mode }),
    ...(tiers === undefined ? {} : { tiers }),
    ...(transform_quantity === undefined ? {} : { transform_quantity }),
  };
}
