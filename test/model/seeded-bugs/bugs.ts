import type { SeededBug } from '../../simulation/seeded-bugs/bugs.ts';

/** Mistakes about changes of subscriptions that the product could have, and a seed under which the model finds each. */
export const MODEL_BUGS: readonly SeededBug[] = [
  {
    name: 'the price changes before usage is proven',
    file: 'src/worker/change-cycle.ts',
    snippet: "change.status === 'flushing' && !(await this.#isFlushed(change))",
    replacement: "change.status === 'flushing' && change.requested_at < 0",
    seed: 1,
  },
  {
    name: 'a change is not prorated',
    file: 'src/stripe/stripe-changes.ts',
    snippet: "proration_behavior: 'always_invoice',",
    replacement: "proration_behavior: 'none',",
    seed: 1,
  },
  {
    name: 'a cancellation makes no invoice',
    file: 'src/stripe/stripe-changes.ts',
    snippet: '{ invoice_now: true, prorate: true }',
    replacement: '{ invoice_now: false, prorate: true }',
    seed: 5,
  },
  {
    name: 'a cancellation returns nothing',
    file: 'src/stripe/stripe-changes.ts',
    snippet: '{ invoice_now: true, prorate: true }',
    replacement: '{ invoice_now: true, prorate: false }',
    seed: 5,
  },
  {
    name: "usage goes by Stripe's change instead of the request",
    file: 'src/storage/subscription-changes.ts',
    snippet: 'return { ...item, started_at: requested_at, billed_from:',
    replacement: 'return { ...item, started_at: changed_at, billed_from:',
    seed: 14,
  },
  {
    name: 'trial usage is billed',
    file: 'src/worker/report-judge.ts',
    snippet: "    if (period.billed_by === 'trial') return await this.#outcomes.settle(report, 'trial');\n",
    replacement: '',
    seed: 1,
  },
  {
    name: 'seats are forgotten',
    file: 'src/core/subscription-change.ts',
    snippet: "quantity: quantity === 'seats' ? seats : quantity === 'one' ? 1 : null,",
    replacement: 'quantity: quantity === null ? null : 1,',
    seed: 7,
  },
  {
    name: 'a change is asked for without what was learned of late',
    file: 'src/subscription-changes.ts',
    snippet:
      '  await syncAccount({ ...context, clock: environment.clock }, await existingAccount(store, account_id));\n',
    replacement: '',
    seed: 45,
  },
  {
    name: 'a plan change leaves the old price',
    file: 'src/core/subscription-change.ts',
    snippet: 'if (isOfPlans(item, plans)) changes.push({ remove: item.stripe_subscription_item });',
    replacement:
      'if (isOfPlans(item, plans) && item.is_metered) changes.push({ remove: item.stripe_subscription_item });',
    seed: 18,
  },
];
