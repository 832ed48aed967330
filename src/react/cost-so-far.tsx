import { type ReactNode, useId } from 'react';
import type { CostResult, Price, RatedAmount } from '../client/wire.ts';
import { type ComponentProps, Frame } from './frame.tsx';
import { useCost } from './hooks.ts';
import { useUsageContext } from './provider.tsx';
import { type TierStep, tiersOf } from './tiers.ts';

export interface CostSoFarProps extends ComponentProps {
  readonly account?: string | undefined;
  /** Default: the only meter, or the default one. */
  readonly meter?: string | undefined;
  readonly initialData?: CostResult | undefined;
}

/** What the billing period costs so far, how it comes about, and what the next tier changes. */
export function CostSoFar(props: CostSoFarProps): ReactNode {
  const { account, meter, initialData, title, ...rest } = props;
  const { texts } = useUsageContext();
  const result = useCost({ account, meter }, { initialData });
  return (
    <Frame name="cost" {...rest} title={title ?? texts.costSoFar} result={result} lines={4}>
      {(cost) => <Cost {...cost} />}
    </Frame>
  );
}

function Cost({ meter, quantity, cost, price }: CostResult) {
  const { formats, texts } = useUsageContext();
  if (!cost) return <p className="tallybook-empty">{texts.notBilled}</p>;
  const steps = tiersOf(price, quantity);
  return (
    <>
      <p className="tallybook-figure">
        <strong>{formats.money(cost.amount, cost.currency)}</strong>
      </p>
      <Lines cost={cost} meter={meter} price={price} />
      {price && steps.length > 0 ? <Tiers price={price} steps={steps} meter={meter} /> : null}
      <p className="tallybook-notes">{texts.beforeTaxes}</p>
    </>
  );
}

interface LinesProps {
  readonly cost: RatedAmount;
  readonly meter: string;
  readonly price: Price | null;
}

/** `1,200 credits × $0.015` beside what it makes. */
function Lines({ cost, meter, price }: LinesProps) {
  const { formats, units, texts } = useUsageContext();
  const size = price?.transform_quantity?.divide_by;
  return (
    <ul className="tallybook-lines">
      {cost.lines.map(({ tier, quantity, unit_amount_decimal, amount }) => {
        return (
          <li key={`${tier} ${unit_amount_decimal}`}>
            <bdi>{wordsOf(quantity, unit_amount_decimal)}</bdi>
            <span className="tallybook-number">{formats.money(amount, cost.currency)}</span>
          </li>
        );
      })}
    </ul>
  );
  function wordsOf(quantity: number, unit_amount_decimal: string | null): string {
    if (unit_amount_decimal === null) return texts.flatFee;
    const count = formats.quantity(quantity);
    // By volume, one unit more may price all of them.
    const isIncluded = Number(unit_amount_decimal) === 0 && price?.tiers_mode !== 'volume';
    if (isIncluded) return texts.included(count, units.of(meter, quantity));
    const of = size === undefined ? units.of(meter, quantity) : `× ${formats.quantity(size)}`;
    return `${count} ${of} × ${formats.money(unit_amount_decimal, cost.currency)}`;
  }
}

interface TiersProps {
  readonly price: Price;
  readonly steps: readonly TierStep[];
  readonly meter: string;
}

function Tiers({ price, steps, meter }: TiersProps) {
  const { formats, units, texts } = useUsageContext();
  const caption = useId();
  const next = steps[steps.findIndex(({ is_current }) => is_current) + 1];
  const money = (amount: string) => formats.money(amount, price.currency);
  return (
    <>
      {next ? <p className="tallybook-next">{sentenceOf(next)}</p> : null}
      <table className="tallybook-table" aria-labelledby={caption}>
        <caption className="tallybook-hidden" id={caption}>
          {texts.tiers}
        </caption>
        <thead>
          <tr>
            <th scope="col">{texts.tierQuantity}</th>
            <th scope="col" className="tallybook-number">
              {texts.tierPrice}
            </th>
          </tr>
        </thead>
        <tbody>
          {steps.map((step) => (
            <tr key={step.first} aria-current={step.is_current ? 'true' : undefined}>
              <th scope="row">
                <bdi>{rangeOf(step)}</bdi>
                {step.is_current ? <span className="tallybook-badge">{texts.currentTier}</span> : null}
              </th>
              <td className="tallybook-number">
                <bdi>{priceOf(step)}</bdi>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );

  function rangeOf({ first, last }: TierStep): string {
    if (last === null) return texts.from(formats.quantity(first));
    return texts.upTo(formats.quantity(first), formats.quantity(last));
  }

  function priceOf({ unit_amount_decimal, flat_amount_decimal }: TierStep): string {
    if (unit_amount_decimal === null && flat_amount_decimal === null) return texts.free;
    const unit = texts.perUnit(money(unit_amount_decimal ?? '0'), units.single(meter));
    if (flat_amount_decimal === null) return unit;
    const fee = money(flat_amount_decimal);
    return unit_amount_decimal === null ? fee : `${unit}, ${texts.plusFee(fee)}`;
  }

  function sentenceOf({ first, unit_amount_decimal, flat_amount_decimal }: TierStep): string {
    const words = {
      from: formats.quantity(first),
      units: units.of(meter, first),
      unit: units.single(meter),
      price: money(unit_amount_decimal ?? '0'),
      fee: flat_amount_decimal === null ? null : money(flat_amount_decimal),
    };
    return price.tiers_mode === 'graduated' ? texts.nextGraduated(words) : texts.nextVolume(words);
  }
}
