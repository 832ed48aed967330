import { type ReactNode, useState } from 'react';
import { RequestError } from '../../../src/client/index.ts';
import {
  CostSoFar,
  InvoiceList,
  PlanPicker,
  type PlanPickerProps,
  type QueryResult,
  Seats,
  type UnitNames,
  UsageChart,
  UsageMeter,
  useCost,
  usePlans,
  useUsage,
} from '../../../src/react/index.ts';
import type { Language } from './languages.ts';
import { MeterChoice } from './meter-choice.tsx';
import { Opening } from './opening.tsx';
import { SignInAgain } from './sign-in-again.tsx';

export interface UsagePageProps {
  readonly language: Language;
  /** Where customers get in again once their token has ended; undefined = the page cannot say. */
  readonly account_url?: string | undefined;
  readonly units?: Readonly<Record<string, UnitNames>> | undefined;
  /** Of its title. Default: 2. */
  readonly headingLevel?: 1 | 2;
  /** Above the title. */
  readonly eyebrow?: ReactNode;
  /** Beside the title. */
  readonly choices?: ReactNode;
  /** Changes the plan. Default: the page shows plans, and to a subscriber what a change would cost. */
  readonly onChangePlan?: PlanPickerProps['onChange'];
  /** Subscribes an account that has no subscription. Default: it is told that one subscribes elsewhere. */
  readonly onSubscribe?: PlanPickerProps['onSubscribe'];
}

/** What a customer sees of their account: what was used, what it costs, the invoices and the plans. */
export function UsagePage(props: UsagePageProps): ReactNode {
  const { language, units, headingLevel = 2, eyebrow, choices, account_url } = props;
  const { words } = language;
  const usage = useUsage();
  const [chosen, setChosen] = useState<string | null>(null);
  const Heading = `h${headingLevel}` as const;
  const below = headingLevel === 1 ? 2 : 3;
  const code = usage.error instanceof RequestError ? usage.error.code : null;
  if (code === 'unauthenticated') return <SignInAgain language={language} account_url={account_url} />;
  const isNew = code === 'account_not_found';
  const meters = metersOf(usage);
  const meter = meters.find((each) => each === chosen) ?? meters[0];
  return (
    <section className="usage" aria-labelledby="usage" lang={language.locale} dir={language.dir}>
      <header>
        <div>
          {eyebrow === undefined ? null : <p className="eyebrow">{eyebrow}</p>}
          <Heading id="usage">{words.title}</Heading>
        </div>
        <div className="choices">
          {choices}
          {meter !== undefined && meters.length > 1 ? (
            <MeterChoice
              label={words.meter}
              meters={meters}
              meter={meter}
              units={units}
              onChoose={setChosen}
            />
          ) : null}
        </div>
      </header>
      <div className="cards">
        {meter === undefined ? (
          <>
            <Opening usage={usage} texts={language.texts} />
            {isNew ? (
              <PlanPicker className="wide" headingLevel={below} onSubscribe={props.onSubscribe} />
            ) : null}
          </>
        ) : (
          <Cards
            meter={meter}
            onChangePlan={props.onChangePlan}
            onSubscribe={props.onSubscribe}
            headingLevel={below}
          />
        )}
      </div>
    </section>
  );
}

/** Of an account that is not known yet there is none. */
function metersOf({ data }: QueryResult<object>): readonly string[] {
  if (data === undefined) return [];
  if ('meters' in data && typeof data.meters === 'object') return Object.keys(data.meters ?? {});
  return 'meter' in data && typeof data.meter === 'string' ? [data.meter] : [];
}

interface CardsProps extends Pick<UsagePageProps, 'onChangePlan' | 'onSubscribe'> {
  readonly meter: string;
  /** Of each card: one below the page's own. */
  readonly headingLevel: 2 | 3;
}

function Cards({ meter, onChangePlan, onSubscribe, headingLevel }: CardsProps) {
  const cost = useCost({ meter });
  const plans = usePlans();
  const plan = plans.data?.plans.find((each) => each.plan === cost.data?.plan);
  const hasSeats = plan?.prices.some(
    (price) => price.usage_type === 'licensed' && price.quantity === 'seats',
  );
  const canChange = onChangePlan !== undefined || onSubscribe !== undefined;
  return (
    <>
      <div className="column">
        <UsageMeter meter={meter} headingLevel={headingLevel} />
        <UsageChart meter={meter} headingLevel={headingLevel} />
        {hasSeats ? <Seats headingLevel={headingLevel} /> : null}
      </div>
      <div className="column">
        <CostSoFar meter={meter} headingLevel={headingLevel} />
        <InvoiceList headingLevel={headingLevel} />
      </div>
      <PlanPicker
        className="wide"
        headingLevel={headingLevel}
        currentPlan={cost.data?.plan}
        onChange={onChangePlan}
        onSubscribe={onSubscribe}
        canPreview={canChange || (plan?.prices.length ?? 0) > 0}
      />
    </>
  );
}
