import { parseAccountId } from '../core/account.ts';
import { parseActor, parseReason } from '../core/adjustment.ts';
import type { BillingPeriod } from '../core/billing-period.ts';
import type { BillingProvider } from '../core/billing-provider.ts';
import type { Environment } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import { DAY_MS, type DateInput, formatInstant, parseInstant } from '../core/instant.ts';
import { type Meters, parseMeter } from '../core/meter.ts';
import { formatMoney } from '../core/money.ts';
import type { Plans } from '../core/plan.ts';
import type { AccountWithItems, Store } from '../core/store.ts';
import {
  billKeyOf,
  describeBill,
  type UnflushedBill,
  type UnflushedBillScope,
} from '../core/unflushed-bill.ts';
import { parseFields } from '../core/usage-event.ts';
import { findAccount, periodAt, priceOf } from '../query/billed-account.ts';
import { type ReconcileContext, reconcilePeriod } from '../query/reconcile-period.ts';
import type { ReconciliationLine } from '../query/reconciliation-result.ts';
import { answered, configured } from './stripe-answers.ts';

/** Parameters of `usage.subscriptions.billUnflushed`: what `usage.reconcile` shows as `unflushed_change`. */
export interface BillUnflushedParams<Meter extends string = string> {
  readonly account: string;
  /** Default: the only meter, or `default_meter`. */
  readonly meter?: Meter | undefined;
  /** Of the billing period that was cut short. */
  readonly period_start: DateInput;
  /** What is expected to be billed, in minor units: if it is another amount by now, nothing is. */
  readonly amount: number;
  /** Why: 1 to 500 characters. Kept for good. */
  readonly reason: string;
  /** Who: 1 to 255 characters. Default: `'unknown'`. */
  readonly actor?: string | undefined;
}

/** An invoice item that bills what a change made elsewhere left off its invoice. Instants are ISO 8601 in UTC. */
export interface BillUnflushedResult {
  readonly account: string;
  readonly meter: string;
  /** Of the billing period. */
  readonly period_start: string;
  /** Exclusive. */
  readonly period_end: string;
  /** `ii_…` */
  readonly invoice_item: string;
  /** Units; null = the price bills packages. */
  readonly quantity: number | null;
  /** Minor units of `currency`, before taxes and discounts. */
  readonly amount: number;
  readonly currency: string;
  /** What the customer reads on the invoice. */
  readonly description: string;
  /** Whether a subscription of the account goes on, whose next invoice takes the item; otherwise somebody makes one. */
  readonly has_next_invoice: boolean;
}

interface BillsContext {
  readonly store: Store;
  /** null = Stripe is not configured. */
  readonly provider: BillingProvider | null;
  readonly environment: Environment;
  readonly meters: Meters;
  readonly plans: Plans;
}

const FIELDS = new Set(['account', 'meter', 'period_start', 'amount', 'reason', 'actor']);
const UNKNOWN_ACTOR = 'unknown';
/** Stripe keeps idempotency keys for a day at least: until then, a bill that it has not answered may still be made. */
const UNANSWERED_MS = DAY_MS;

/** Lets persons bill what a change made elsewhere left off its invoice. */
export function createUnflushedBills({ store, provider, environment, meters, plans }: BillsContext) {
  const { clock } = environment;
  const context = { store, provider, clock, plans };

  async function billUnflushed(params: unknown): Promise<BillUnflushedResult> {
    const asked = parse(params, meters);
    const stripe = configured(provider);
    const account = await findAccount(context, asked.account_id);
    const { stripe_customer } = account.account;
    if (stripe_customer === null) throw new UsageError('stripe_customer_deleted');
    const period = periodAt(account, asked.meter, asked.period_start);
    if (period.start !== asked.period_start) {
      const reason = `No billing period of ${asked.meter} begins then; the one it is in begins at ${formatInstant(period.start)}.`;
      const field = { field: 'period_start', value: formatInstant(asked.period_start), reason };
      throw new UsageError('invalid_period', field);
    }
    // Before the amounts are compared: what somebody else makes meanwhile is found by its number, or is in the comparison.
    const bills = await store.listUnflushedBills(asked);
    const items = await listBilled(stripe, stripe_customer, period);
    const itemOf = (bill: UnflushedBill) =>
      items.get(billKeyOf(bill, (text) => environment.digest(text))) ?? null;
    const line = await compare(context, stripe, account, asked.meter, period);
    const due = line?.causes.find(({ cause, discrepancy }) => cause === 'unflushed_change' && discrepancy);
    if (!line || due?.amount !== asked.amount) {
      const made = await findMade(stripe, stripe_customer, period, asked);
      if (made) return toResult(made.bill, made.invoice_item, account);
      const isOfFormerCustomer = line?.causes.some(({ cause }) => cause === 'former_customer');
      if (isOfFormerCustomer) throw new UsageError('customer_changed');
      throw refusalOf(due?.amount ?? null, line?.currency ?? null, asked.amount);
    }
    const unanswered = bills.findLast((bill) => itemOf(bill) === null);
    const begun = unanswered && clock.now() - unanswered.billed_at < UNANSWERED_MS ? unanswered : null;
    const bill =
      begun ??
      (await store.addUnflushedBill({
        ...asked,
        bill_id: bills.length + 1,
        period_end: period.end,
        stripe_customer,
        quantity: due.quantity,
        currency: line.currency ?? '',
        description: descriptionOf(context, account, period, line, asked.amount, due.quantity),
        billed_at: clock.now(),
      }));
    if (bill.amount !== asked.amount) {
      const reason = `Stripe has not answered yet about a bill of ${formatMoney(String(bill.amount), bill.currency)}.`;
      throw new UsageError('stripe_unavailable', { reason });
    }
    const key = billKeyOf(bill, (text) => environment.digest(text));
    const { invoice_item } = answered(
      await stripe.createInvoiceItem({ ...bill, period, bill: atStripe(bill, key) }),
    );
    return toResult(bill, invoice_item, account);
  }

  /** A bill of that amount that was made before, or by somebody else while amounts were compared. */
  async function findMade(
    stripe: BillingProvider,
    stripe_customer: string,
    period: BillingPeriod,
    asked: UnflushedBillScope & Pick<UnflushedBill, 'amount'>,
  ): Promise<{ readonly bill: UnflushedBill; readonly invoice_item: string } | null> {
    const items = await listBilled(stripe, stripe_customer, period);
    for (const bill of await store.listUnflushedBills(asked)) {
      const invoice_item = items.get(billKeyOf(bill, (text) => environment.digest(text)));
      if (bill.amount === asked.amount && invoice_item !== undefined) return { bill, invoice_item };
    }
    return null;
  }

  return { billUnflushed };
}

function parse(params: unknown, meters: Meters) {
  const fields = parseFields(params, FIELDS);
  const { amount } = fields;
  const asked = {
    account_id: parseAccountId(fields['account']),
    meter: parseMeter(fields['meter'], meters),
    period_start: parseInstant(fields['period_start'], 'period_start', 'invalid_period'),
    reason: parseReason(fields['reason']),
    actor: parseActor(fields['actor']) ?? UNKNOWN_ACTOR,
  };
  if (typeof amount === 'number' && Number.isSafeInteger(amount) && amount > 0) return { ...asked, amount };
  const reason = 'It is a whole number of minor units from 1: what `usage.reconcile` shows.';
  throw new UsageError('invalid_parameter', { field: 'amount', value: amount, reason });
}

/** Invoice items of ours, by their keys. */
async function listBilled(
  provider: BillingProvider,
  stripe_customer: string,
  { start }: BillingPeriod,
): Promise<ReadonlyMap<string, string>> {
  const { items } = answered(await provider.listInvoiceItems({ stripe_customer, created_from: start }));
  return new Map(items.flatMap(({ bill, invoice_item }) => (bill ? [[bill.key, invoice_item]] : [])));
}

async function compare(
  context: ReconcileContext,
  provider: BillingProvider,
  account: AccountWithItems,
  meter: string,
  period: BillingPeriod,
): Promise<ReconciliationLine | null> {
  const invoices = async (stripe_customer: string) => {
    const read = await provider.listInvoices({ stripe_customer, created_from: period.start });
    return read.outcome === 'read' ? read.invoices : null;
  };
  const line = await reconcilePeriod(context, { account, meter, period, invoices });
  const unread = line?.causes.find(({ cause }) => cause === 'unread');
  if (unread) throw new UsageError('stripe_unavailable', { reason: unread.explanation });
  return line;
}

/** @param due - what could be billed instead; null = nothing. */
function refusalOf(due: number | null, currency: string | null, asked: number): UsageError {
  if (due === null) return new UsageError('nothing_to_bill');
  const [now, then] = [due, asked].map((amount) => formatMoney(String(amount), currency ?? 'usd'));
  return new UsageError('amount_changed', {
    field: 'amount',
    value: asked,
    reason: `It is ${now} by now, and not ${then}.`,
  });
}

function descriptionOf(
  context: ReconcileContext,
  account: AccountWithItems,
  period: BillingPeriod,
  { meter, billed_by_stripe }: ReconciliationLine,
  amount: number,
  quantity: number | null,
): string {
  const price = priceOf(context, account, meter, period);
  if (!price || billed_by_stripe === null) throw new Error('An amount is known without its price.');
  return describeBill({ meter, period, price, counted: billed_by_stripe, quantity, amount });
}

function atStripe({ account_id, meter, period_start, quantity }: UnflushedBill, key: string) {
  return { key, account_id, meter, quantity, period_start: formatInstant(period_start) };
}

function toResult(
  bill: UnflushedBill,
  invoice_item: string,
  { items }: AccountWithItems,
): BillUnflushedResult {
  const { account_id, meter, period_start, period_end, quantity, amount, currency, description } = bill;
  return {
    account: account_id,
    meter,
    period_start: formatInstant(period_start),
    period_end: formatInstant(period_end),
    invoice_item,
    quantity,
    amount,
    currency,
    description,
    has_next_invoice: items.some(({ ended_at }) => ended_at === null),
  };
}
