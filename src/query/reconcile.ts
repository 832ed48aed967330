import type { BillingPeriod, Period } from '../core/billing-period.ts';
import { UsageError } from '../core/errors.ts';
import type { Invoice } from '../core/invoice.ts';
import type { AccountWithItems } from '../core/store.ts';
import { findAccount, periodAt } from './billed-account.ts';
import { type ReadInvoices, type ReconcileContext, reconcilePeriod } from './reconcile-period.ts';
import type { ReconciliationLine, ReconciliationPage } from './reconciliation-result.ts';

export interface ReconcileParams {
  /** null = every account. */
  readonly account_id: string | null;
  readonly meters: readonly string[];
  /** Billing periods that overlap it; null = the current and the last one. */
  readonly range: Period | null;
  /** Accounts after this one; null = from the first. */
  readonly after: string | null;
  /** Accounts. */
  readonly limit: number;
}

/** Accounts that are read at the same time; Stripe's rate limit is kept behind the port. */
const PARALLEL_ACCOUNTS = 8;
/** Billing periods of one account and meter: a year of days, and then some. */
const MAX_PERIODS = 400;

/** Compares a page of accounts with Stripe. @throws UsageError `account_not_found`, `invalid_period`. */
export async function reconcileAccounts(
  context: ReconcileContext,
  params: ReconcileParams,
): Promise<ReconciliationPage> {
  const { account_id, after, limit } = params;
  if (account_id !== null) {
    return pageOf(await reconcileAccount(context, await findAccount(context, account_id), params), null);
  }
  const accounts = await context.store.listAccounts({ after, limit });
  const lines: ReconciliationLine[] = [];
  for (let at = 0; at < accounts.length; at += PARALLEL_ACCOUNTS) {
    const some = accounts.slice(at, at + PARALLEL_ACCOUNTS);
    const found = await Promise.all(
      some.map(async ({ account_id: id }) =>
        reconcileAccount(context, await findAccount(context, id), params),
      ),
    );
    lines.push(...found.flat());
  }
  return pageOf(lines, accounts.length === limit ? (accounts.at(-1)?.account_id ?? null) : null);
}

function pageOf(lines: readonly ReconciliationLine[], next: string | null): ReconciliationPage {
  return { lines, discrepancies: lines.filter(({ discrepancy }) => discrepancy).length, next };
}

async function reconcileAccount(
  context: ReconcileContext,
  account: AccountWithItems,
  { meters, range }: Pick<ReconcileParams, 'meters' | 'range'>,
): Promise<ReconciliationLine[]> {
  const now = context.clock.now();
  const wanted = meters.flatMap((meter) =>
    periodsOf(account, meter, range, now).map((period) => ({ meter, period })),
  );
  const invoices = invoicesOf(context, wanted, now);
  const lines: ReconciliationLine[] = [];
  for (const { meter, period } of wanted) {
    const line = await reconcilePeriod(context, { account, meter, period, invoices });
    if (line) lines.push(line);
  }
  return lines;
}

/** In their order, without those that have not begun. */
function periodsOf(
  account: AccountWithItems,
  meter: string,
  range: Period | null,
  now: number,
): BillingPeriod[] {
  if (range === null) {
    const current = periodAt(account, meter, now);
    return [periodAt(account, meter, current.start - 1), current];
  }
  const periods: BillingPeriod[] = [];
  for (let at = range.start; at < range.end && at <= now; at = periods.at(-1)?.end ?? range.end) {
    if (periods.length === MAX_PERIODS) {
      const reason = `It has more than ${MAX_PERIODS} billing periods.`;
      throw new UsageError('invalid_period', { field: 'period', reason });
    }
    periods.push(periodAt(account, meter, at));
  }
  return periods;
}

/** Invoices since the first of these periods ended, read once, when one of the periods first needs them. */
function invoicesOf(
  { provider }: ReconcileContext,
  wanted: readonly { readonly period: BillingPeriod }[],
  now: number,
): ReadInvoices {
  // When exactly a change ended a period need not be known: its invoice was made at some time in the period.
  const ends = wanted
    .filter(({ period }) => period.end <= now)
    .map(({ period: { start, end, is_cut_short } }) => (is_cut_short ? start : end));
  const read = new Map<string, Promise<readonly Invoice[] | null>>();
  return (stripe_customer) => {
    const known = read.get(stripe_customer);
    if (known) return known;
    const reading =
      provider
        ?.listInvoices({ stripe_customer, created_from: Math.min(...ends) })
        .then((result) => (result.outcome === 'read' ? result.invoices : null)) ?? Promise.resolve(null);
    read.set(stripe_customer, reading);
    return reading;
  };
}
