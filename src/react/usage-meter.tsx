import type { ReactNode } from 'react';
import type { CostResult } from '../client/wire.ts';
import { type ComponentProps, Frame } from './frame.tsx';
import { useCost } from './hooks.ts';
import { useUsageContext } from './provider.tsx';
import { scaleOf, type UsageScale } from './tiers.ts';

export interface UsageMeterProps extends ComponentProps {
  readonly account?: string | undefined;
  /** Default: the only meter, or the default one. */
  readonly meter?: string | undefined;
  /** The share of the limit from which on it warns, from 0 to 1. Default: 0.8. */
  readonly warnAt?: number;
  readonly initialData?: CostResult | undefined;
}

/** What was used in the billing period, against the limit of the plan, what it includes, or the next price. */
export function UsageMeter(props: UsageMeterProps): ReactNode {
  const { account, meter, warnAt = 0.8, initialData, title, ...rest } = props;
  const { units } = useUsageContext();
  const result = useCost({ account, meter }, { initialData });
  const name = title ?? units.title(result.data?.meter ?? meter ?? '');
  return (
    <Frame name="meter" {...rest} title={name} result={result} lines={3}>
      {(cost) => <Meter cost={cost} title={name} warnAt={warnAt} />}
    </Frame>
  );
}

interface MeterProps {
  readonly cost: CostResult;
  readonly title: string;
  readonly warnAt: number;
}

function Meter({ cost, title, warnAt }: MeterProps) {
  const { formats, units, texts } = useUsageContext();
  const { meter, quantity, period_start, period_end } = cost;
  const scale = scaleOf(cost);
  // Where the next price begins is no quota: the line below says it.
  const of =
    scale && scale.kind !== 'tier'
      ? texts.ofLimit(formats.quantity(scale.quantity), units.of(meter, scale.quantity))
      : units.of(meter, quantity);
  return (
    <>
      <p className="tallybook-figure">
        <strong>{formats.quantity(quantity)}</strong> <span>{of}</span>
      </p>
      {scale ? (
        <Bar
          label={title}
          text={`${formats.quantity(quantity)} ${of}`}
          quantity={quantity}
          scale={scale}
          warnAt={warnAt}
        />
      ) : null}
      <p className="tallybook-notes">
        {scale ? <span>{noteOf(scale)}</span> : null}
        <span>{formats.period(period_start, period_end)}</span>
      </p>
    </>
  );

  function noteOf({ kind, quantity: full }: UsageScale): string {
    const rest = Math.abs(full - quantity);
    const words = [formats.quantity(rest), units.of(meter, rest)] as const;
    if (quantity > full) return texts.over(...words);
    if (kind === 'limit' && rest === 0) return texts.limitReached;
    return kind === 'tier' ? texts.untilNextPrice(...words) : texts.left(...words);
  }
}

interface BarProps {
  readonly label: string;
  readonly text: string;
  readonly quantity: number;
  readonly scale: UsageScale;
  readonly warnAt: number;
}

/** Half its height: `tallybook-bar`. */
const ROUND = 5;

/** Of SVG attributes: a page that forbids inline styles shows it all the same. `<meter>` cannot be styled everywhere. */
function Bar({ label, text, quantity, scale, warnAt }: BarProps) {
  const full = Math.max(scale.quantity, quantity, 1);
  const share = (part: number) => `${(part / full) * 100}%`;
  // Corrections can make it negative: the text says so.
  const within = Math.max(0, Math.min(quantity, scale.quantity));
  return (
    // biome-ignore lint/a11y/useSemanticElements: see above.
    <div
      className="tallybook-bar"
      data-level={levelOf(quantity, scale, warnAt)}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuenow={within}
      aria-valuemax={scale.quantity}
      aria-valuetext={text}
    >
      <svg width="100%" height="100%" aria-hidden="true" focusable="false">
        <rect
          className="tallybook-bar-used"
          width={share(within)}
          height="100%"
          rx={quantity > scale.quantity ? 0 : ROUND}
        />
        {quantity > scale.quantity ? (
          <rect
            className="tallybook-bar-over"
            x={share(scale.quantity)}
            width={share(quantity - scale.quantity)}
            height="100%"
          />
        ) : null}
      </svg>
    </div>
  );
}

function levelOf(quantity: number, { kind, quantity: full }: UsageScale, warnAt: number): string {
  if (kind !== 'limit') return 'plain';
  if (quantity >= full) return 'reached';
  return quantity >= full * warnAt ? 'near' : 'plain';
}
