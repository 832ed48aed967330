import type { Cause, CauseName } from './reconciliation.ts';
import { adviceOf } from './report-advice.ts';

/** What a cause means, and what to do where somebody has to, in a sentence or two. */
export function causeText(
  { cause, reason, discrepancy, invoice_item }: Omit<Cause, 'quantity' | 'amount' | 'reports' | 'spans'>,
  unread: string | null,
): string {
  switch (cause) {
    case 'held':
    case 'failed':
    case 'not_billable':
      return adviceOf({ status: cause, reason }).action;
    case 'unlinked':
      return adviceOf({ status: 'closed', reason: 'unlinked' }).action;
    case 'unread':
      return `Stripe could not be read: ${unread ?? 'it gave no answer'}`;
    case 'unflushed_change':
      if (invoice_item !== null) return `The invoice item ${invoice_item} bills it, as a person decided.`;
      return discrepancy ? UNFLUSHED : 'It costs nothing more than what is billed already.';
    default:
      return TEXTS[cause];
  }
}

const UNFLUSHED =
  'The subscription was changed at Stripe before this was counted, or in a way that drops it: no invoice bills it. The command adds an invoice item that does.';

const TEXTS: Readonly<
  Record<
    Exclude<CauseName, 'held' | 'failed' | 'not_billable' | 'unlinked' | 'unread' | 'unflushed_change'>,
    string
  >
> = {
  open: 'Counted here and not sealed yet: the next run of the report job sends it.',
  waiting: 'Sealed and on its way to Stripe.',
  pending: 'Stripe accepted it and has not counted it yet, for which it may take its time.',
  not_counted:
    'Stripe accepted it more than a day ago and does not count it. Explain the reports, and ask Stripe.',
  unconfirmed: 'Stripe counted a report whose answer was lost; the report job finds out by itself.',
  foreign_writer:
    'Stripe counted units that no report here explains: something else writes to this meter for this customer.',
  unexplained:
    'Too many minutes differ to name each of them. Reconcile the account by itself, over a shorter period.',
  elsewhere:
    'Reports of the neighbouring period, or of an account that had the customer before, share minutes with this one.',
  missed_invoice:
    'Stripe counted it after the invoice was final, or made no invoice: add an invoice item to bill it.',
  former_customer:
    'Stripe counted it for a customer that the account had before, and that one’s invoices do not bill it so far. Where its subscription goes on, the next one does; otherwise it is to be billed at Stripe. The account’s customer of today does not owe it.',
  invoiced_more: 'The invoice bills more than Stripe counts in the period now: something was taken back.',
};
