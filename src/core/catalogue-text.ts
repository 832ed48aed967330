import type { CatalogueChange } from './catalogue.ts';
import { intervalText, type PriceTerms } from './price-difference.ts';
import { priceText } from './price-text.ts';

/** A change as one line: what is done, to what. */
export function changeText(change: CatalogueChange): string {
  switch (change.change) {
    case 'create_meter':
      return `meter ${change.meter}: sums up ${change.event_name}`;
    case 'reactivate_meter':
      return `meter ${change.meter}: ${change.stripe_meter} counts again`;
    case 'create_product':
      return `product ${change.stripe_product}: ${change.name}`;
    case 'rename_product':
      return `product ${change.stripe_product}: ${change.from} becomes ${change.name}`;
    case 'activate_product':
      return `product ${change.stripe_product}: for sale again`;
    case 'create_price':
      return `price ${change.price.lookup_key}: ${termsText(change.price)}`;
    case 'activate_price':
      return `price ${change.lookup_key ?? change.stripe_price}: ${change.stripe_price} takes subscriptions again`;
    case 'deactivate_price':
      return `price ${change.stripe_price}: takes no new subscriptions, those it has stay on it`;
  }
}

/** `$0.02 up to 1,000, $0.015 above (volume) of credits, by month`. */
export function termsText(terms: PriceTerms): string {
  const of = terms.event_name === null ? '' : ` of ${terms.event_name}`;
  return `${priceText(terms)}${of}, ${terms.interval === null ? 'once' : `by ${intervalText(terms)}`}`;
}
