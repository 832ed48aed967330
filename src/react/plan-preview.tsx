import { useEffect, useRef, useState } from 'react';
import type { PublicPlan } from '../client/wire.ts';
import { useUsageContext } from './provider.tsx';

/** What is shown of the answer of `usage.plans.preview`. Amounts are minor units. */
export interface ShownPreview {
  /** What would be invoiced at once. */
  readonly now: ShownBill;
  /** The invoice after that; null = there would be none. */
  readonly next: (ShownBill & { readonly at: string }) | null;
}

export interface ShownBill {
  readonly currency: string;
  readonly total: number;
  readonly lines: readonly { readonly description: string; readonly amount: number }[];
}

export interface PlanPreviewPanelProps {
  readonly plan: PublicPlan;
  readonly preview: ((plan: string, signal: AbortSignal) => Promise<ShownPreview>) | undefined;
  readonly onConfirm: (preview: ShownPreview | null) => Promise<void>;
}

type Step = 'previewing' | 'ready' | 'changing' | 'changed';

/** What changing to a plan costs, and the button that does it. */
export function PlanPreviewPanel({ plan, preview, onConfirm }: PlanPreviewPanelProps) {
  const { texts } = useUsageContext();
  const [step, setStep] = useState<Step>(preview ? 'previewing' : 'ready');
  const [shown, setShown] = useState<ShownPreview | null>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  const load = useRef(preview);

  useEffect(() => {
    const controller = new AbortController();
    const told = (run: () => void) => {
      if (!controller.signal.aborted) run();
    };
    load.current?.(plan.plan, controller.signal).then(
      (answer) =>
        told(() => {
          setShown(answer);
          setStep('ready');
        }),
      (error: unknown) => told(() => setRefusal(wordsOf(error))),
    );
    return () => controller.abort();
  }, [plan.plan]);

  async function confirm(): Promise<void> {
    setStep('changing');
    setRefusal(null);
    try {
      await onConfirm(shown);
      setStep('changed');
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
        {step === 'changed' ? texts.changed(plan.name) : null}
        {refusal}
      </p>
      {step === 'ready' || step === 'changing' ? (
        <button
          type="button"
          className="tallybook-button tallybook-primary"
          disabled={step === 'changing'}
          onClick={confirm}
        >
          {step === 'changing' ? texts.changing : texts.confirm(plan.name)}
        </button>
      ) : null}
    </div>
  );
}

function Bill({ preview: { now } }: { readonly preview: ShownPreview }) {
  const { formats, texts } = useUsageContext();
  if (now.lines.length === 0 && now.total === 0) return <p>{texts.nothingDue}</p>;
  return (
    <ul className="tallybook-lines">
      {now.lines.map(({ description, amount }) => (
        <li key={JSON.stringify([description, amount])}>
          <bdi>{description}</bdi>
          <span className="tallybook-number">{formats.money(amount, now.currency)}</span>
        </li>
      ))}
      <li className="tallybook-total">
        <strong>{texts.dueNow}</strong>
        <strong className="tallybook-number">{formats.money(now.total, now.currency)}</strong>
      </li>
    </ul>
  );
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
