import { useEffect, useRef, useState } from 'react';
import { RequestError } from '../client/request-error.ts';
import type { PublicPlan } from '../client/wire.ts';
import { type WordedLine, wordsOfLine } from './line-words.ts';
import { useUsageContext } from './provider.tsx';

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
}

type Step = 'previewing' | 'ready' | 'changing' | 'pending' | 'done';

/** What changing to a plan costs, and the button that does it where there is one. */
export function PlanPreviewPanel({ plan, preview, onConfirm }: PlanPreviewPanelProps) {
  const { texts } = useUsageContext();
  const [step, setStep] = useState<Step>('previewing');
  const [shown, setShown] = useState<ShownPreview | null>(null);
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
        // The API's words are for developers, those of the app for its customers.
        told(() => setRefusal(error instanceof RequestError ? texts.noPreview : wordsOf(error))),
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
      setRefusal(wordsOf(error));
      setStep('ready');
    }
  }

  return (
    <div className="tallybook-preview">
      <p className="tallybook-preview-title">{texts.preview(plan.name)}</p>
      {shown ? <Bill preview={shown} /> : null}
      <p role="status">
        {step === 'previewing' && refusal === null ? texts.previewing : null}
        {step === 'pending' ? texts.changePending(plan.name) : null}
        {step === 'done' ? texts.changed(plan.name) : null}
        {refusal}
      </p>
      {onConfirm && (step === 'ready' || step === 'changing') ? (
        <button
          type="button"
          className="tallybook-button tallybook-primary"
          disabled={step === 'changing'}
          onClick={() => confirm(onConfirm)}
        >
          {step === 'changing' ? texts.changing : texts.confirm(plan.name)}
        </button>
      ) : null}
    </div>
  );
}

function Bill({ preview: { now, next } }: { readonly preview: ShownPreview }) {
  const context = useUsageContext();
  const { formats, texts } = context;
  const isFree = now.lines.length === 0 && now.total === 0;
  return (
    <ul className="tallybook-lines">
      {now.lines.map((line) => (
        <li key={JSON.stringify(line)}>
          <bdi>{wordsOfLine(line, now.currency, context)}</bdi>
          <span className="tallybook-number">{formats.money(line.amount, now.currency)}</span>
        </li>
      ))}
      <li className="tallybook-total">
        <strong>{isFree ? texts.nothingDue : texts.dueNow}</strong>
        {isFree ? null : (
          <strong className="tallybook-number">{formats.money(now.total, now.currency)}</strong>
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

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
