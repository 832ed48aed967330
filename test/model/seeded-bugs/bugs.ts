import type { SeededBug } from '../../simulation/seeded-bugs/bugs.ts';

/** Mistakes about changes of subscriptions that the product could have, and a seed under which the model finds each. */
export const MODEL_BUGS: readonly SeededBug[] = [
  {
    name: 'the price changes before usage is proven',
    file: 'src/worker/change-cycle.ts',
    snippet: "change.status === 'flushing' && !(await this.#isFlushed(change))",
    replacement: "change.status === 'flushing' && change.requested_at < 0",
    seed: 3,
  },
  {
    name: 'a change is not prorated',
    file: 'src/stripe/stripe-changes.ts',
    snippet: "proration_behavior: 'always_invoice',",
    replacement: "proration_behavior: 'none',",
    seed: 3,
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
    seed: 4,
  },
  {
    name: 'trial usage is billed',
    file: 'src/worker/report-judge.ts',
    snippet: "    if (period.billed_by === 'trial') return await this.#outcomes.settle(report, 'trial');\n",
    replacement: '',
    seed: 10,
  },
  {
    name: 'seats are forgotten',
    file: 'src/core/subscription-change.ts',
    snippet: "quantity: quantity === 'seats' ? seats : quantity === 'one' ? 1 : null,",
    replacement: 'quantity: quantity === null ? null : 1,',
    seed: 11,
  },
  {
    name: 'a plan change leaves the old price',
    file: 'src/core/subscription-change.ts',
    snippet: 'if (isOfPlans(item, plans)) changes.push({ remove: item.stripe_subscription_item });',
    replacement:
      'if (isOfPlans(item, plans) && item.is_metered) changes.push({ remove: item.stripe_subscription_item });',
    seed: 4,
  },
  {
    name: 'a seat is given away before Stripe bills it',
    file: 'src/methods/seats.ts',
    snippet: 'return isUnderWay(change) ? toResult(found, seats) : toResult({ ...found, seats }, null);',
    replacement: 'return toResult({ ...found, seats }, null);',
    seed: 6,
  },
  {
    name: 'a seat that joins is not prorated',
    file: 'src/stripe/stripe-changes.ts',
    snippet: "proration_behavior: 'always_invoice',",
    replacement: "proration_behavior: items.some((item) => 'set' in item) ? 'none' : 'always_invoice',",
    seed: 6,
  },
  {
    name: 'a pause collects all the same',
    file: 'src/stripe/stripe-changes.ts',
    snippet: "{ behavior: 'keep_as_draft' }",
    replacement: "''",
    seed: 3,
  },
  {
    name: 'the end of a pause leaves its drafts',
    file: 'src/methods/collection-pauses.ts',
    snippet: "if (drafts === 'collect') await collectDrafts(provider, stripe_subscription);",
    replacement: '',
    seed: 18,
  },
  {
    name: 'a change is asked for in a pause',
    file: 'src/methods/planned-change.ts',
    snippet: '  if (!is_collection_paused) return;\n',
    replacement: '  if (is_collection_paused !== null) return;\n',
    seed: 18,
  },
];
