import type { ReportReason, ReportStatus } from './usage-report.ts';

/** What a report waits for, and what can be done. */
export interface ReportAdvice {
  /** `person`: it does not go on by itself. null = it waits for nothing. */
  readonly waits_for: 'person' | 'subscription' | 'stripe' | 'report_job' | null;
  /** A sentence or two for people. */
  readonly action: string;
}

/** What can be done about a report, by its status and reason. */
export function adviceOf({
  status,
  reason,
}: {
  readonly status: ReportStatus;
  readonly reason: ReportReason | null;
}): ReportAdvice {
  switch (status) {
    case 'open':
      return { waits_for: 'report_job', action: 'It takes usage; the report job seals and sends it.' };
    case 'closed':
      return reason === 'unlinked' ? UNLINKED : { waits_for: 'report_job', action: 'It is sent when due.' };
    case 'sending':
      return { waits_for: 'stripe', action: 'It was sent, or may have been; the report job finds out.' };
    case 'held':
      return { waits_for: 'person', action: textFor(HELD, reason, 'Find out why it is held.') };
    case 'failed':
      return { waits_for: 'person', action: textFor(FAILED, reason, REFUSED) };
    case 'not_billable':
      return { waits_for: null, action: textFor(NOT_BILLABLE, reason, 'It is never billed.') };
    case 'reported':
      return { waits_for: null, action: 'Stripe has accepted it.' };
    case 'voided':
      return { waits_for: null, action: 'Its usage is in other reports.' };
  }
}

const UNLINKED: ReportAdvice = {
  waits_for: 'subscription',
  action:
    'No subscription at Stripe bills the account: link its Stripe customer, or subscribe it, within 34 days.',
};
const REFUSED =
  'Stripe refused it, in the words of its last error. Correct that and retry it, or write it off with a reason.';

type Texts = Readonly<Partial<Record<ReportReason, string>>>;

const HELD: Texts = {
  ambiguous_price:
    'Several subscription items bill this meter, and each would bill all of it. End all but one; it goes on by itself.',
  customer_refused:
    'Stripe refuses its customer, in the words of its last error. Set the right one for the account; it goes on by itself.',
  too_old: 'Stripe no longer takes usage of this age. Invoice it by hand, then write it off with a reason.',
  not_counted:
    'Stripe has its identifier and has not counted it. It goes on by itself once it is counted; otherwise ask Stripe.',
  refused:
    'Stripe refused an attempt, after one whose answer was lost: look at what Stripe counted, then resolve it.',
  rejected:
    'Stripe accepted it and rejected it afterwards. Correct the cause in its last error, then retry it.',
  foreign_writer:
    'Stripe counted something else in its minute: find what else writes to this meter for the customer, then resolve it.',
  unknown_usage:
    'Stripe has counted more in its billing period than this database knows of: after a restored backup, or by another writer. Reconcile the account, then retry or resolve it.',
  missed_invoice:
    'Its invoice was final before it could be sent. Add an invoice item for it, then write it off.',
};

const FAILED: Texts = {
  rejected:
    'Stripe accepted it and rejected it afterwards. Correct the cause in its last error, then retry it.',
};

const NOT_BILLABLE: Texts = {
  free: 'Used on a free plan: it is never billed.',
  trial: 'Used in a trial: it is never billed.',
  no_price: 'Nothing billed this meter at that time: it is never billed.',
  zero: 'It adds up to nothing.',
  late: 'It came too late for its invoice; such usage is counted and not billed here.',
  written_off: 'A person decided that it is not billed.',
};

function textFor(texts: Texts, reason: ReportReason | null, otherwise: string): string {
  return (reason === null ? undefined : texts[reason]) ?? otherwise;
}
