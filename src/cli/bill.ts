import { withUsage } from './app-usage.ts';
import { type DecisionDetails, detailsOf } from './decide.ts';
import { moneyText, quantityText } from './figures.ts';
import { print } from './standard-output.ts';

export interface BillCommandOptions extends DecisionDetails {
  /** Path of the module that exports `usage`. */
  readonly config: string;
  readonly periodStart: string;
  /** Minor units. */
  readonly amount: number;
}

/** `tallybook bill`: an invoice item for what a change made elsewhere left off the invoice. */
export async function runBill(account: string, options: BillCommandOptions): Promise<void> {
  const { config, periodStart: period_start, amount } = options;
  await withUsage(config, async (usage) => {
    const billed = await usage.subscriptions.billUnflushed({
      account,
      period_start,
      amount,
      ...detailsOf(options),
    });
    const what = `${quantityText(billed.quantity)} ${billed.meter} of ${billed.account}`;
    const money = moneyText(billed.amount, billed.currency);
    const next = billed.has_next_invoice
      ? "It is on the customer's next invoice."
      : 'No subscription makes the next invoice: make one at Stripe that takes pending items.';
    await print(`The invoice item ${billed.invoice_item} bills ${what}, ${money}. ${next}\n`);
  });
}
