import { expect, test } from 'vitest';
import { causeText } from './cause-text.ts';
import type { CauseName } from './reconciliation.ts';
import { adviceOf } from './report-advice.ts';
import type { ReportReason, ReportStatus } from './usage-report.ts';

const JOB = 'report_job';
const SENTENCE = /^[A-Z].{20,}\.$/;

test.each<[ReportStatus, ReportReason | null, string | null, RegExp]>([
  ['open', null, JOB, /^It takes usage; the report job seals and sends it\.$/],
  ['closed', null, JOB, /^It is sent when due\.$/],
  [
    'closed',
    'unlinked',
    'subscription',
    /^No subscription at Stripe bills the account: .* within 34 days\.$/,
  ],
  ['sending', null, 'stripe', /^It was sent, or may have been; the report job finds out\.$/],
  [
    'held',
    'ambiguous_price',
    'person',
    /^Several subscription items bill this meter, .* goes on by itself\.$/,
  ],
  ['held', 'customer_refused', 'person', /^Stripe refuses its customer, .* goes on by itself\.$/],
  [
    'held',
    'too_old',
    'person',
    /^Stripe no longer takes usage of this age\. .* write it off with a reason\.$/,
  ],
  ['held', 'not_counted', 'person', /^Stripe has its identifier and has not counted it\. .* ask Stripe\.$/],
  ['held', null, 'person', /^Find out why it is held\.$/],
  ['held', 'free', 'person', /^Find out why it is held\.$/],
  ['failed', null, 'person', /^Stripe refused it, .* write it off with a reason\.$/],
  ['not_billable', 'free', null, /^Used on a free plan: it is never billed\.$/],
  ['not_billable', 'trial', null, /^Used in a trial: it is never billed\.$/],
  ['not_billable', 'no_price', null, /^Nothing billed this meter at that time: it is never billed\.$/],
  ['not_billable', 'zero', null, /^It adds up to nothing\.$/],
  ['not_billable', null, null, /^It is never billed\.$/],
  ['reported', null, null, /^Stripe has accepted it\.$/],
  ['voided', null, null, /^Its usage is in other reports\.$/],
])(
  'a report that is %s, for %s: what it waits for and what can be done',
  (status, reason, waits_for, action) => {
    expect(adviceOf({ status, reason })).toEqual({ waits_for, action: expect.stringMatching(action) });
  },
);

const OPEN_CAUSE = { discrepancy: true, invoice_item: null } as const;
const textOf = (cause: CauseName, reason: ReportReason | null = null) =>
  causeText({ cause, reason, ...OPEN_CAUSE }, null);

test('a cause that is a report’s says what the report does', () => {
  for (const status of ['held', 'failed', 'not_billable'] as const) {
    for (const reason of ['too_old', 'free', null] as const) {
      expect(textOf(status, reason)).toBe(adviceOf({ status, reason }).action);
    }
  }
  expect(textOf('unlinked')).toBe(adviceOf({ status: 'closed', reason: 'unlinked' }).action);
});

test('what could not be read says why, as far as that is known', () => {
  const unread = { cause: 'unread', reason: null, ...OPEN_CAUSE } as const;
  expect(causeText(unread, 'No such meter.')).toBe('Stripe could not be read: No such meter.');
  expect(causeText(unread, null)).toBe('Stripe could not be read: it gave no answer');
});

test('what a change left off says who bills it, or that nobody has to', () => {
  const text = (fields: Partial<Parameters<typeof causeText>[0]>) =>
    causeText({ cause: 'unflushed_change', reason: null, ...OPEN_CAUSE, ...fields }, null);
  expect(text({ invoice_item: 'ii_1' })).toBe('The invoice item ii_1 bills it, as a person decided.');
  expect(text({})).toMatch(/^The subscription was changed at Stripe .* adds an invoice item that does\.$/);
  expect(text({ discrepancy: false })).toBe('It costs nothing more than what is billed already.');
});

test('every other cause has a sentence of its own', () => {
  const others = [
    'open',
    'waiting',
    'pending',
    'not_counted',
    'unconfirmed',
    'foreign_writer',
    'unexplained',
    'elsewhere',
    'missed_invoice',
    'former_customer',
    'invoiced_more',
  ] as const;
  const texts = others.map((cause) => textOf(cause));
  for (const text of texts) expect(text).toMatch(SENTENCE);
  expect(new Set(texts).size).toBe(others.length);
});

const OTHERWISE = adviceOf({ status: 'held', reason: null }).action;

test('a failed report whose meter event was rejected says what to correct', () => {
  const { action } = adviceOf({ status: 'failed', reason: 'rejected' });
  expect(action).toMatch(SENTENCE);
  expect(action).not.toBe(adviceOf({ status: 'failed', reason: null }).action);
});

test.each<ReportReason>([
  'ambiguous_price',
  'too_old',
  'not_counted',
  'refused',
  'rejected',
  'foreign_writer',
  'unknown_usage',
  'missed_invoice',
])('a report that is held as %s waits for a person, who is told what to do', (reason) => {
  const { waits_for, action } = adviceOf({ status: 'held', reason });
  expect(waits_for).toBe('person');
  expect(action).toMatch(SENTENCE);
  expect(action).not.toBe(OTHERWISE);
});

test.each<ReportReason>(['free', 'trial', 'no_price', 'zero', 'late', 'written_off'])(
  'a report that is not billable as %s waits for nothing, and says why',
  (reason) => {
    const { waits_for, action } = adviceOf({ status: 'not_billable', reason });
    expect(waits_for).toBeNull();
    expect(action).toMatch(SENTENCE);
    expect(action).not.toBe(adviceOf({ status: 'not_billable', reason: null }).action);
  },
);

test('what waits for somebody or something else than a person says for what', () => {
  const waits = (status: 'open' | 'closed' | 'sending', reason: ReportReason | null = null) =>
    adviceOf({ status, reason }).waits_for;
  expect(waits('open')).toBe('report_job');
  expect(waits('closed')).toBe('report_job');
  expect(waits('closed', 'unlinked')).toBe('subscription');
  expect(waits('sending')).toBe('stripe');
  expect(adviceOf({ status: 'failed', reason: null }).waits_for).toBe('person');
  expect(adviceOf({ status: 'reported', reason: null }).waits_for).toBeNull();
  expect(adviceOf({ status: 'voided', reason: null }).waits_for).toBeNull();
});
