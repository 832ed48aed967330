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
    const money = (amount: string) => formats.money(amount, price.currency);
    if (price.usage_type === 'licensed') {
      const words = price.quantity === 'seats' ? texts.perSeat : texts.perInterval;
      const amount = price.unit_amount_decimal ?? price.tiers?.[0]?.unit_amount_decimal ?? '0';
      return [words(money(amount), price.interval)];
    }
    const { meter, transform_quantity, unit_amount_decimal } = price;
    if (transform_quantity) {
      const size = transform_quantity.divide_by;
      return [
        texts.perPackage(money(unit_amount_decimal ?? '0'), formats.quantity(size), units.of(meter, size)),
      ];
    }
    if (!price.tiers) return [texts.perUnit(money(unit_amount_decimal ?? '0'), units.of(meter, 1))];
    const included = includedBy(price);
    return tiersOf(price, 0).map(({ first, unit_amount_decimal: unit, flat_amount_decimal: fee }) => {
      if (first === 1 && included !== null) {
        return texts.included(formats.quantity(included), units.of(meter, included));
      }
      const each = texts.perUnit(money(unit ?? '0'), units.of(meter, 1));
      const words = fee === null ? each : `${each}, ${texts.plusFee(money(fee))}`;
      return first === 1 ? words : `${texts.from(formats.quantity(first))}: ${words}`;
    });
  }
}

/** A plan may be sold in several: who sees it pays in one. */
function inOneCurrency(prices: readonly PlanPrice[], wanted: string | undefined): readonly PlanPrice[] {
  const currency = prices.some((price) => price.currency === wanted) ? wanted : prices[0]?.currency;
  return prices.filter((price) => price.currency === currency);
}
