import type { PublicPlan } from '../client/wire.ts';
import { useUsageContext } from './provider.tsx';
import { includedBy, tiersOf } from './tiers.ts';

type PlanPrice = PublicPlan['prices'][number];

/** What a plan costs, in a few lines. */
export function PlanPrices({ plan }: { readonly plan: PublicPlan }) {
  const { currency, formats, units, texts } = useUsageContext();
  const prices = inOneCurrency(plan.prices, currency);
  const lines = prices.flatMap(linesOf);
  const limits = Object.entries(plan.limits).map(([meter, limit]) =>
    texts.included(formats.quantity(limit), units.of(meter, limit)),
  );
  return (
    <ul className="tallybook-plan-prices">
      {prices.length === 0 ? <li>{texts.free}</li> : null}
      {[...lines, ...limits].map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines can be alike, and have no state.
        <li key={index}>
          <bdi>{line}</bdi>
        </li>
      ))}
    </ul>
  );

  function linesOf(price: PlanPrice): string[] {
    const { unit_amount_decimal, tiers, tiers_mode, currency } = price;
    const isOne = price.usage_type === 'licensed' && price.quantity === 'one';
    if (!tiers || isOne) return [named(price, unit_amount_decimal ?? tiers?.[0]?.unit_amount_decimal)];
    const included = price.usage_type === 'metered' ? includedBy(price) : null;
    return tiersOf(price, 0).map(({ first, unit_amount_decimal: unit, flat_amount_decimal: fee }) => {
      if (first === 1 && included !== null && price.usage_type === 'metered')
        return texts.included(formats.quantity(included), units.of(price.meter, included));
      const from = formats.quantity(first);
      // By volume, the price of a tier is that of everything before it too.
      const further = tiers_mode === 'volume' ? texts.allFrom : texts.eachFrom;
      const words = first === 1 ? named(price, unit) : further(each(price, unit), from);
      return fee === null ? words : `${words}, ${texts.plusFee(formats.money(fee, currency))}`;
    });
  }

  /** `$0.02 per credit`; `Credits: $0.02 each` where a single one has no name. */
  function named(price: PlanPrice, amount: string | null | undefined): string {
    const words = each(price, amount);
    const isNamed = price.usage_type === 'licensed' || price.transform_quantity || units.single(price.meter);
    return isNamed ? words : `${units.title(price.meter)}: ${words}`;
  }

  function each(price: PlanPrice, amount: string | null | undefined): string {
    const money = formats.money(amount ?? '0', price.currency);
    if (price.usage_type === 'licensed')
      return (price.quantity === 'seats' ? texts.perSeat : texts.perInterval)(money, price.interval);
    const size = price.transform_quantity?.divide_by;
    if (size === undefined) return texts.perUnit(money, units.single(price.meter));
    return texts.perPackage(money, formats.quantity(size), units.of(price.meter, size));
  }
}

/** A plan may be sold in several: who sees it pays in one. */
function inOneCurrency(prices: readonly PlanPrice[], wanted: string | undefined): readonly PlanPrice[] {
  const currency = prices.some((price) => price.currency === wanted) ? wanted : prices[0]?.currency;
  return prices.filter((price) => price.currency === currency);
}
