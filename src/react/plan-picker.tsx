import { type ReactNode, useId, useState } from 'react';
import type { PlansResult, PublicPlan } from '../client/wire.ts';
import { type ComponentProps, Frame } from './frame.tsx';
import { usePlans } from './hooks.ts';
import { PlanPreviewPanel, type ShownChange, type ShownPreview } from './plan-preview.tsx';
import { PlanPrices } from './plan-prices.tsx';
import { useUsageContext } from './provider.tsx';

export interface PlanPickerProps extends ComponentProps {
  /** Name of the account's plan; null = it has none. */
  readonly currentPlan?: string | null | undefined;
  /** What a change would cost. Default: as the API answers the account's own token. */
  readonly preview?: ((plan: string, signal: AbortSignal) => Promise<ShownPreview>) | undefined;
  /**
   * Changes the plan, as `usage.plans.change` of your server does; it rejects with what is to be told.
   * Default: nobody changes it here.
   */
  readonly onChange?: ((plan: string, preview: ShownPreview | null) => Promise<ShownChange>) | undefined;
  /** Whether a plan can be chosen to see what it would cost. Default: where it can be changed. */
  readonly canPreview?: boolean | undefined;
  readonly initialData?: PlansResult | undefined;
}

/** The plans that the account may have, and what changing to one would cost before it is done. */
export function PlanPicker(props: PlanPickerProps): ReactNode {
  const { client, texts } = useUsageContext();
  const { currentPlan = null, onChange, canPreview, initialData, title, preview: _, ...rest } = props;
  const canChoose = canPreview ?? onChange !== undefined;
  const preview =
    props.preview ?? ((plan: string, signal: AbortSignal) => client.plans.preview({ plan }, { signal }));
  const result = usePlans({ initialData });
  const [chosen, setChosen] = useState<string | null>(null);
  const group = useId();
  return (
    <Frame name="plans" {...rest} title={title ?? texts.plans} result={result} lines={5}>
      {({ plans }) => {
        const target = plans.find(({ plan }) => plan === chosen && plan !== currentPlan);
        const cards = plans.map((plan) => (
          <PlanCard
            key={plan.plan}
            plan={plan}
            group={group}
            isCurrent={plan.plan === currentPlan}
            isChosen={plan.plan === (chosen ?? currentPlan)}
            onChoose={canChoose ? setChosen : undefined}
          />
        ));
        return (
          <>
            {plans.length === 0 ? <p className="tallybook-empty">{texts.noPlans}</p> : null}
            {canChoose ? (
              <fieldset className="tallybook-plan-list">
                <legend className="tallybook-hidden">{title ?? texts.plans}</legend>
                {cards}
              </fieldset>
            ) : (
              <div className="tallybook-plan-list">{cards}</div>
            )}
            {target && canChoose ? (
              <PlanPreviewPanel
                key={target.plan}
                plan={target}
                preview={preview}
                onConfirm={onChange && ((shown) => onChange(target.plan, shown))}
              />
            ) : null}
          </>
        );
      }}
    </Frame>
  );
}

interface PlanCardProps {
  readonly plan: PublicPlan;
  readonly group: string;
  readonly isCurrent: boolean;
  readonly isChosen: boolean;
  readonly onChoose: ((plan: string) => void) | undefined;
}

function PlanCard({ plan, group, isCurrent, isChosen, onChoose }: PlanCardProps) {
  const { texts } = useUsageContext();
  const details = useId();
  const name = (
    <>
      <bdi>{plan.name}</bdi>
      {isCurrent ? <span className="tallybook-badge">{texts.currentPlan}</span> : null}
    </>
  );
  return (
    <div className="tallybook-plan" data-chosen={isChosen || undefined}>
      {onChoose ? (
        <label className="tallybook-plan-name">
          <input
            type="radio"
            name={group}
            value={plan.plan}
            checked={isChosen}
            onChange={() => onChoose(plan.plan)}
            aria-describedby={details}
          />
          {name}
        </label>
      ) : (
        <p className="tallybook-plan-name">{name}</p>
      )}
      <div id={details}>
        <PlanPrices plan={plan} />
      </div>
    </div>
  );
}
