import { describe, expect, test } from 'vitest';
import { ERRORS, UsageError, type UsageErrorCode } from '../src/index.ts';
import { refusalCodeOf } from '../src/stripe/stripe-refusal.ts';
import { createSubscribingWorld, type SubscribingWorld } from './support/subscribing-world.ts';

const PAGES = { success_url: 'https://app.example/ok', cancel_url: 'https://app.example/no' };
const CREATE = { account: 'acct_1', plan: 'fee' } as const;
const STRICT = { ...CREATE, payment_behavior: 'error_if_incomplete' } as const;

interface Refusal {
  readonly code: UsageErrorCode;
  readonly status: number;
  /** Words of Stripe's that the message must keep. */
  readonly words: RegExp;
  readonly provoke: (world: SubscribingWorld) => Promise<unknown>;
}

const REFUSALS: readonly Refusal[] = [
  {
    code: 'payment_method_missing',
    status: 402,
    words: /no attached payment source or default payment method/,
    provoke: ({ usage }) => usage.subscriptions.create(CREATE),
  },
  {
    code: 'payment_failed',
    status: 402,
    words: /card was declined/,
    provoke: async ({ usage, customerWith }) => {
      await customerWith('acct_1', 'pm_card_chargeCustomerFail');
      return await usage.subscriptions.create(STRICT);
    },
  },
  {
    code: 'payment_action_required',
    status: 402,
    words: /requires additional user action/,
    provoke: async ({ usage, customerWith }) => {
      await customerWith('acct_1', 'pm_card_authenticationRequired');
      return await usage.subscriptions.create(STRICT);
    },
  },
  {
    code: 'currency_mismatch',
    status: 409,
    words: /cannot combine currencies/,
    provoke: async ({ usage, stripe, customerWith }) => {
      const customer = await customerWith('acct_1', 'pm_card_visa');
      const shoes = await stripe.prices.create({
        currency: 'usd',
        product_data: { name: 'Shoes' },
        recurring: { interval: 'month' },
        unit_amount: 500,
      });
      await stripe.subscriptions.create({ customer, items: [{ price: shoes.id }] });
      return await usage.subscriptions.checkout({ account: 'acct_1', plan: 'euro', ...PAGES });
    },
  },
  {
    code: 'price_not_found',
    status: 409,
    words: /no active price for the plan missing/,
    provoke: ({ usage }) => usage.subscriptions.create({ account: 'acct_1', plan: 'missing' }),
  },
  {
    code: 'stripe_mode_mismatch',
    status: 409,
    words: /a similar object exists in live mode/,
    provoke: async ({ usage }) => {
      await usage.accounts.set({ account: 'acct_1', stripe_customer: 'cus_live_1' });
      return await usage.accounts.sync({ account: 'acct_1' });
    },
  },
  {
    code: 'stripe_customer_deleted',
    status: 409,
    words: /No such customer: 'cus_gone'/,
    provoke: async ({ usage }) => {
      await usage.accounts.set({ account: 'acct_1', stripe_customer: 'cus_gone' });
      return await usage.accounts.sync({ account: 'acct_1' });
    },
  },
  {
    code: 'subscription_not_found',
    status: 409,
    words: /No such subscription: 'sub_gone'/,
    provoke: ({ usage }) => usage.accounts.set({ account: 'acct_1', stripe_subscription: 'sub_gone' }),
  },
];

describe('what Stripe refuses', () => {
  test.each(REFUSALS)('is told as $code, in Stripe’s words and with what to do', async (refusal) => {
    const world = await createSubscribingWorld({ payment_methods: 'required' });
    const error: unknown = await refusal.provoke(world).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({
      code: refusal.code,
      status: refusal.status,
      remedy: ERRORS[refusal.code].remedy,
      message: expect.stringMatching(refusal.words),
    });
  });

  test('what Stripe does not answer can be tried again', async () => {
    const { usage, simulator } = await createSubscribingWorld();
    await usage.accounts.set({ account: 'acct_1', stripe_customer: 'cus_1' });
    simulator.faults.add({ kind: '429' });
    await expect(usage.accounts.sync({ account: 'acct_1' })).rejects.toMatchObject({
      code: 'stripe_unavailable',
      status: 503,
    });
  });
});

/** As Stripe's documentation and its answers have them (docs.stripe.com/error-codes). */
describe('the names of refusals', () => {
  test.each([
    [{ code: 'card_declined', rawType: 'card_error', message: 'Your card was declined.' }, 'payment_failed'],
    [{ code: 'expired_card', rawType: 'card_error', message: 'Your card has expired.' }, 'payment_failed'],
    [
      { code: 'authentication_required', rawType: 'card_error', message: 'Your card was declined.' },
      'payment_action_required',
    ],
    [
      {
        code: 'invoice_payment_intent_requires_action',
        rawType: 'invalid_request_error',
        message: 'Payment for this invoice requires additional user action.',
      },
      'payment_action_required',
    ],
    [
      {
        code: 'payment_intent_authentication_failure',
        message: 'The provided source has failed authentication.',
      },
      'payment_failed',
    ],
    [
      {
        code: 'resource_missing',
        rawType: 'invalid_request_error',
        message: 'This customer has no attached payment source or default payment method.',
      },
      'payment_method_missing',
    ],
    [
      {
        code: 'resource_missing',
        param: 'default_payment_method',
        message: "No such PaymentMethod: 'pm_1'",
      },
      'payment_method_missing',
    ],
    [
      { code: 'missing', param: 'source', message: 'Cannot charge a customer that has no active card' },
      'payment_method_missing',
    ],
    [
      { code: 'resource_missing', param: 'items[0][price]', message: "No such price: 'price_1'" },
      'price_not_found',
    ],
    [
      {
        code: 'resource_missing',
        param: 'customer',
        message:
          "No such customer: 'cus_1'; a similar object exists in live mode, but a test mode key was used to make this request.",
      },
      'stripe_mode_mismatch',
    ],
    [
      {
        code: 'resource_missing',
        param: 'line_items[0][price]',
        message: 'The price specified is inactive. This field only accepts active prices.',
      },
      'price_not_found',
    ],
    [
      {
        message: 'The price specified is inactive. This field only accepts active prices.',
        param: 'items[0][price]',
      },
      'price_not_found',
    ],
    [
      { code: 'customer_max_subscriptions', message: 'The customer has too many subscriptions.' },
      'stripe_refused',
    ],
    [
      { code: 'parameter_unknown', param: 'customer', message: 'Received unknown parameter: customer' },
      'stripe_refused',
    ],
    [
      { message: 'Prices must have the same currency. Please check the default payment method.' },
      'currency_mismatch',
    ],
    [{ code: 'resource_missing', message: "No such coupon: 'X'", param: 'coupon' }, 'stripe_refused'],
  ])('%o is %s', (shape, code) => {
    expect(refusalCodeOf(shape)).toBe(code);
  });
});
