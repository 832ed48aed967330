import type Stripe from 'stripe';
import { must, mustEqual } from '../../simulation/invariants/broken.ts';
import type { AccountFacts } from '../oracle/facts.ts';
import { licensedLines } from '../oracle/licensed-lines.ts';
import { usageLines } from '../oracle/usage-lines.ts';
import type { AccountLog } from '../scene/account-log.ts';
import type { ModelScene } from '../scene/scene.ts';

const MAX_INVOICES = 1_000;

/** Cents, by what they are for. */
export interface Billed {
  readonly usage: number;
  readonly licensed: number;
}

/** Every line of every final invoice of an account against the oracle's, and their sums by kind. */
export async function checkInvoices(
  scene: ModelScene,
  account: AccountLog,
  facts: AccountFacts,
): Promise<Billed> {
  const invoices = await scene.byHand((stripe) =>
    stripe.invoices
      .list({ customer: account.customer, limit: 100 })
      .autoPagingToArray({ limit: MAX_INVOICES }),
  );
  must(invoices.every(isFinal), 'I15', () => `an invoice of ${account.name} is not final`);
  const names = new Map([...scene.prices].map(([name, id]) => [id, name]));
  const actual = invoices
    .flatMap(({ lines }) => lines.data)
    .filter(({ quantity, amount }) => quantity !== 0 || amount !== 0)
    .map((line) => ({
      name: names.get(priceOf(line)) ?? 'an unknown price',
      quantity: line.quantity ?? 0,
      amount: line.amount,
    }));
  const expected = [...usageLines(facts), ...licensedLines(facts, scene.now)].map(
    ({ plan, bills, quantity, amount }) => ({ name: `${plan} ${bills}`, quantity, amount }),
  );
  for (const kind of ['usage', 'base_fee', 'seats']) {
    const of = (lines: readonly Line[]) => lines.filter(({ name }) => name.endsWith(` ${kind}`));
    mustEqual(wordsOf(of(actual)), wordsOf(of(expected)), 'I5', `${kind} on the invoices of ${account.name}`);
  }
  const total = invoices.reduce((sum, invoice) => sum + invoice.total, 0);
  mustEqual(total, sumOf(expected), 'I5', `the sum of the invoices of ${account.name}`);
  const usage = sumOf(expected.filter(({ name }) => name.endsWith(' usage')));
  return { usage, licensed: total - usage };
}

interface Line {
  readonly name: string;
  readonly quantity: number;
  readonly amount: number;
}

function wordsOf(lines: readonly Line[]): string {
  return lines
    .map(({ name, quantity, amount }) => `${name}: ${quantity} for ${amount}`)
    .sort()
    .join('; ');
}

function sumOf(lines: readonly Line[]): number {
  return lines.reduce((sum, { amount }) => sum + amount, 0);
}

function priceOf({ pricing }: Stripe.InvoiceLineItem): string {
  const price = pricing?.price_details?.price;
  return typeof price === 'string' ? price : (price?.id ?? '');
}

function isFinal({ status }: Stripe.Invoice): boolean {
  return status === 'paid' || status === 'open';
}
