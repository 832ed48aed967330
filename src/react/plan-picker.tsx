import { type ReactNode, useEffect, useId, useState } from 'react';
import type { ChangeResult, PlansResult, PublicPlan } from '../client/wire.ts';
import { type ComponentProps, Frame } from './frame.tsx';
import { useLastChange, usePlans } from './hooks.ts';
import { Invitation, PlanPreviewPanel, type ShownChange, type ShownPreview } from './plan-preview.tsx';
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
  /**
   * Subscribes an account that has no subscription yet, such as by going to the page that `usage.subscriptions.checkout` of
   * your server answers; it rejects with what is to be told. Default: it is told that one subscribes elsewhere.
   */
  readonly onSubscribe?: ((plan: string) => Promise<void>) | undefined;
  /** Whether a plan can be chosen to see what it would cost. Default: where it can be changed or subscribed to. */
  readonly canPreview?: boolean | undefined;
  readonly initialData?: PlansResult | undefined;
}

/** The plans that the account may have, and what changing to one would cost before it is done. */
export function PlanPicker(props: PlanPickerProps): ReactNode {
  const { texts } = useUsageContext();
  const {
    currentPlan = null,
    canPreview,
    initialData,
    title,
    preview,
    onChange,
    onSubscribe,
    ...rest
  } = props;
  const canChoose = canPreview ?? (onChange !== undefined || onSubscribe !== undefined);
  const result = usePlans({ initialData });
  const name = title ?? texts.plans;
  return (
    <Frame name="plans" {...rest} title={name} result={result} lines={5}>
      {({ plans }) => (
        <>
          {plans.length === 0 ? <p className="tallybook-empty">{texts.noPlans}</p> : null}
          {canChoose ? (
            <PlanChoice name={name} plans={plans} {...{ currentPlan, preview, onChange, onSubscribe }} />
          ) : (
            <div className="tallybook-plan-list">
              {plans.map((plan) => (
                <PlanCard key={plan.plan} plan={plan} isCurrent={plan.plan === currentPlan} />
              ))}
            </div>
          )}
        </>
      )}
    </Frame>
  );
}

interface PlanChoiceProps extends Pick<PlanPickerProps, 'preview' | 'onChange' | 'onSubscribe'> {
  readonly name: string;
  readonly plans: readonly PublicPlan[];
  readonly currentPlan: string | null;
}

function PlanChoice({ name, plans, currentPlan, onChange, onSubscribe, ...props }: PlanChoiceProps) {
  const { client } = useUsageContext();
  const preview =
    props.preview ?? ((plan: string, signal: AbortSignal) => client.plans.preview({ plan }, { signal }));
  const { data: change } = useLastChange();
  const isUnderWay = change?.status === 'pending';
  const [chosen, setChosen] = useState<string | null>(null);
  const group = useId();
  // What was chosen before a change began is not asked for once more when it is done.
  useEffect(() => {
    if (isUnderWay) setChosen(null);
  }, [isUnderWay]);
  const target = isUnderWay ? undefined : plans.find(({ plan }) => plan === chosen && plan !== currentPlan);
  const isFree = plans.find(({ plan }) => plan === currentPlan)?.prices.length === 0;
  // Stripe bills nothing for a plan without prices, so there is nothing that a change would prorate.
  const subscribe = isFree ? onSubscribe : undefined;
  return (
    <>
      <fieldset className="tallybook-plan-list" disabled={isUnderWay}>
        <legend className="tallybook-hidden">{name}</legend>
        {plans.map((plan) => (
          <PlanCard
            key={plan.plan}
            plan={plan}
            isCurrent={plan.plan === currentPlan}
            choice={{ group, isChosen: plan.plan === (chosen ?? currentPlan), onChoose: setChosen }}
          />
        ))}
      </fieldset>
      {isUnderWay ? <ChangeUnderWay change={change} plans={plans} /> : null}
      {target && subscribe ? (
        <Invitation key={target.plan} plan={target} onSubscribe={() => subscribe(target.plan)} />
      ) : null}
      {target && !subscribe ? (
        <PlanPreviewPanel
          key={target.plan}
          plan={target}
          preview={preview}
          onConfirm={onChange && ((shown) => onChange(target.plan, shown))}
          onSubscribe={onSubscribe && (() => onSubscribe(target.plan))}
        />
      ) : null}
    </>
  );
}

interface ChangeUnderWayProps {
  readonly change: ChangeResult;
  readonly plans: readonly PublicPlan[];
}

function ChangeUnderWay({ change: { kind, plan }, plans }: ChangeUnderWayProps) {
  const { texts } = useUsageContext();
  // A change of seats leaves the plan as it is.
  const name = kind === 'seats' ? null : (plans.find((each) => each.plan === plan)?.name ?? plan);
  return (
    <p className="tallybook-preview" role="status">
      {name === null ? texts.changeUnderWay : texts.changePending(name)}
    </p>
  );
}

interface PlanCardProps {
  readonly plan: PublicPlan;
  readonly isCurrent: boolean;
  /** undefined = it is only looked at. */
  readonly choice?: {
    readonly group: string;
    readonly isChosen: boolean;
    readonly onChoose: (plan: string) => void;
  };
}

function PlanCard({ plan, isCurrent, choice }: PlanCardProps) {
  const { texts } = useUsageContext();
  const details = useId();
  const name = (
    <>
      <bdi>{plan.name}</bdi>
      {isCurrent ? <span className="tallybook-badge">{texts.currentPlan}</span> : null}
    </>
  );
  return (
    <div className="tallybook-plan" data-chosen={(choice?.isChosen ?? isCurrent) || undefined}>
      {choice ? (
        <label className="tallybook-plan-name">
          <input
            type="radio"
            name={choice.group}
            value={plan.plan}
            checked={choice.isChosen}
            onChange={() => choice.onChoose(plan.plan)}
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
