import { useEffect, useRef, useState } from 'react';
import { RequestError } from '../client/request-error.ts';
import type { PublicPlan } from '../client/wire.ts';
import { type WordedLine, wordsOfLine } from './line-words.ts';
import { useUsageContext } from './provider.tsx';
import type { Texts } from './texts/texts.ts';

/** What is shown of the answer of `usage.plans.preview`. Amounts are minor units. */
export interface ShownPreview {
  /** Passed on to the change, it makes the invoice what the preview said. */
  readonly proration_date?: string | undefined;
  /** What would be invoiced at once. */
  readonly now: ShownBill;
  /** The invoice after that; null = there would be none. */
  readonly next: (ShownBill & { readonly at: string }) | null;
}

export interface ShownBill {
  readonly currency: string;
  readonly total: number;
  readonly lines: readonly ShownBillLine[];
}

export interface ShownBillLine extends WordedLine {
  readonly amount: number;
}

/** What is shown of the answer of `usage.plans.change`. */
export interface ShownChange {
  /** `pending`: it is done as soon as Stripe has counted what was used until now. */
  readonly status: 'done' | 'pending' | 'failed';
  /** Why it failed; null = it did not. */
  readonly reason: string | null;
}

export interface PlanPreviewPanelProps {
  readonly plan: PublicPlan;
  readonly preview: (plan: string, signal: AbortSignal) => Promise<ShownPreview>;
  /** undefined = it is only shown what it would cost. */
  readonly onConfirm: ((preview: ShownPreview | null) => Promise<ShownChange>) | undefined;
  /** undefined = who has no subscription gets one elsewhere. */
  readonly onSubscribe: (() => Promise<void>) | undefined;
}

export interface InvitationProps {
  readonly plan: PublicPlan;
  /** Begins a subscription; it rejects with what is to be told. */
  readonly onSubscribe: () => Promise<void>;
}

/** The button that subscribes an account that has no subscription yet. */
export function Invitation({ plan, onSubscribe }: InvitationProps) {
  const { texts, queries } = useUsageContext();
  const [isBusy, setIsBusy] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);

  async function subscribe(): Promise<void> {
    setIsBusy(true);
    setRefusal(null);
    try {
      await onSubscribe();
      queries.refresh();
    } catch (error) {
      setRefusal(refusalOf(error, texts, wordsOf(error)));
    }
    setIsBusy(false);
  }

  return (
    <div className="tallybook-preview">
      <p className="tallybook-preview-title">
        <bdi>{plan.name}</bdi>
      </p>
      <p role="status">{refusal}</p>
      <Action isBusy={isBusy} onPress={subscribe}>
        {texts.subscribe(plan.name)}
      </Action>
    </div>
  );
}

type Step = 'previewing' | 'ready' | 'changing' | 'pending' | 'done';

/** What changing to a plan costs, and the button that does it, or that subscribes, where there is one. */
export function PlanPreviewPanel({ plan, preview, onConfirm, onSubscribe }: PlanPreviewPanelProps) {
  const { texts } = useUsageContext();
  const [step, setStep] = useState<Step>('previewing');
  const [shown, setShown] = useState<ShownPreview | null>(null);
  const [isNew, setIsNew] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const load = useRef(preview);

  useEffect(() => {
    const controller = new AbortController();
    const told = (run: () => void) => {
      if (!controller.signal.aborted) run();
    };
    load.current(plan.plan, controller.signal).then(
      (answer) =>
        told(() => {
          setShown(answer);
          setStep('ready');
        }),
      (error: unknown) =>
        told(() => {
          setIsNew(isOfNobody(error));
          // The API's words are for developers, those of the app for its customers.
          setRefusal(
            refusalOf(error, texts, error instanceof RequestError ? texts.noPreview : wordsOf(error)),
          );
        }),
    );
    return () => controller.abort();
  }, [plan.plan, texts]);

  async function confirm(change: NonNullable<typeof onConfirm>): Promise<void> {
    setStep('changing');
    setRefusal(null);
    try {
      const { status, reason } = await change(shown);
      if (status === 'failed') setRefusal(reason ?? texts.failed);
      setStep(status === 'failed' ? 'ready' : status);
    } catch (error) {
      setRefusal(refusalOf(error, texts, wordsOf(error)));
      setStep('ready');
    }
  }

  if (isNew && onSubscribe) return <Invitation plan={plan} onSubscribe={onSubscribe} />;
  return (
    <div className="tallybook-preview">
      <p className="tallybook-preview-title">{isNew ? <bdi>{plan.name}</bdi> : texts.preview(plan.name)}</p>
      {shown ? <Bill preview={shown} /> : null}
      <p role="status">
        {step === 'previewing' && refusal === null ? texts.previewing : null}
        {step === 'pending' ? texts.changePending(plan.name) : null}
        {step === 'done' ? texts.changed(plan.name) : null}
        {refusal}
      </p>
      {onConfirm && (step === 'ready' || step === 'changing') ? (
        <Action isBusy={step === 'changing'} onPress={() => confirm(onConfirm)}>
          {texts.confirm(plan.name)}
        </Action>
      ) : null}
    </div>
  );
}

interface ActionProps {
  readonly isBusy: boolean;
  readonly onPress: () => void;
  readonly children: string;
}

function Action({ isBusy, onPress, children }: ActionProps) {
  const { texts } = useUsageContext();
  return (
    <button type="button" className="tallybook-button tallybook-primary" disabled={isBusy} onClick={onPress}>
      {isBusy ? texts.changing : children}
    </button>
  );
}

function Bill({ preview: { now, next } }: { readonly preview: ShownPreview }) {
  const context = useUsageContext();
  const { formats, texts } = context;
  const isFree = now.lines.length === 0 && now.total === 0;
  // What is less than nothing is not paid out: the next invoices are less by so much.
  const dueWords = now.total < 0 ? texts.credit : texts.dueNow;
  return (
    <ul className="tallybook-lines">
      {now.lines.map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines can be alike, and have no state.
        <li key={index}>
          <bdi>{wordsOfLine(line, now.currency, context)}</bdi>
          <span className="tallybook-number">{formats.money(line.amount, now.currency)}</span>
        </li>
      ))}
      <li className="tallybook-total">
        <strong>{isFree ? texts.nothingDue : dueWords}</strong>
        {isFree ? null : (
          <strong className="tallybook-number">{formats.money(Math.abs(now.total), now.currency)}</strong>
        )}
      </li>
      {next ? (
        <li>
          <span>{texts.nextInvoice(formats.date(next.at))}</span>
          <span className="tallybook-number">{formats.money(next.total, next.currency)}</span>
        </li>
      ) : null}
    </ul>
  );
}

/** Nothing bills the account yet, or nothing is known of it: there is nothing to change. */
function isOfNobody(error: unknown): boolean {
  const code = error instanceof RequestError ? error.code : null;
  return code === 'subscription_not_found' || code === 'account_not_found';
}

function refusalOf(error: unknown, texts: Texts, otherwise: string): string {
  if (isOfNobody(error)) return texts.notSubscribed;
  const code = error instanceof RequestError ? error.code : null;
  if (code === 'change_pending') return texts.changeUnderWay;
  return code === 'collection_paused' ? texts.paymentsPaused : otherwise;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
