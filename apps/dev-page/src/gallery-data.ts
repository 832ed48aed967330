import type {
  CostResult,
  Invoice,
  PlansResult,
  Price,
  SeatsResult,
  UsageWindowsResult,
} from '../../../src/client/index.ts';
import type { ShownPreview } from '../../../src/react/index.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const START = Date.UTC(2026, 9, 1);
const END = Date.UTC(2026, 10, 1);
const at = (instant: number) => new Date(instant).toISOString();

export const VOLUME: Price = {
  currency: 'usd',
  tiers_mode: 'volume',
  tiers: [
    { up_to: 1_000, unit_amount_decimal: '2' },
    { up_to: 10_000, unit_amount_decimal: '1.5' },
    { up_to: 'inf', unit_amount_decimal: '1.25', flat_amount_decimal: '500' },
  ],
};
export const GRADUATED: Price = {
  currency: 'eur',
  tiers_mode: 'graduated',
  tiers: [
    { up_to: 2_000 },
    { up_to: 10_000, unit_amount_decimal: '0.75' },
    { up_to: 'inf', unit_amount_decimal: '0.5' },
  ],
};

const line = (tier: number | null, quantity: number, unit_amount_decimal: string, amount: number) => ({
  tier,
  up_to: null,
  quantity,
  unit_amount_decimal,
  flat_amount_decimal: null,
  amount,
  amount_decimal: String(amount),
});

/** Of an account that has used some of a meter without a price; what else is so is passed. */
export function costOf(more: Partial<CostResult>): CostResult {
  return {
    account: 'acct_1',
    meter: 'credits',
    plan: 'pro',
    period_start: at(START),
    period_end: at(END),
    quantity: 640,
    limit: null,
    cost: null,
    price: null,
    change: null,
    ...more,
  };
}

export function rated(
  currency: string,
  lines: readonly (readonly [number | null, number, string, number])[],
) {
  const amount = lines.reduce((sum, [, , , each]) => sum + each, 0);
  return { currency, amount, amount_decimal: String(amount), lines: lines.map((each) => line(...each)) };
}

/** A month of which three weeks have passed: busy weekdays, quiet weekends. */
export function windowsOf(window: 'hour' | 'day' | 'month', isEmpty = false): UsageWindowsResult {
  const step = window === 'hour' ? HOUR_MS : DAY_MS;
  const windows = Array.from({ length: Math.round((END - START) / step) }, (_, index) => {
    const start = START + index * step;
    const isPast = start < START + 21 * DAY_MS;
    const isBusy = new Date(start).getUTCDay() % 6 !== 0;
    const wave = 90 + Math.round(70 * Math.sin(index * 1.7) + 40 * Math.cos(index * 0.6));
    const quantity = isPast && !isEmpty ? Math.max(0, isBusy ? wave : Math.round(wave / 5)) : 0;
    return { start: at(start), end: at(start + step), quantity };
  });
  return {
    account: 'acct_1',
    meter: 'credits',
    window,
    time_zone: 'UTC',
    period_start: at(START),
    period_end: at(END),
    quantity: windows.reduce((sum, { quantity }) => sum + quantity, 0),
    windows,
  };
}

const monthly = { usage_type: 'metered', interval: 'month', meter: 'credits' } as const;

export const PLANS: PlansResult = {
  plans: [
    { plan: 'free', name: 'Free', prices: [], limits: { credits: 100 } },
    { plan: 'pro', name: 'Pro', prices: [{ ...VOLUME, ...monthly }], limits: {} },
    {
      plan: 'team',
      name: 'Team',
      prices: [
        {
          currency: 'usd',
          usage_type: 'licensed',
          interval: 'month',
          quantity: 'one',
          unit_amount_decimal: '4900',
        },
        {
          currency: 'usd',
          usage_type: 'licensed',
          interval: 'month',
          quantity: 'seats',
          unit_amount_decimal: '1200',
        },
        { ...GRADUATED, currency: 'usd', ...monthly },
      ],
      limits: {},
    },
  ],
};

export const PREVIEW: ShownPreview = {
  now: {
    currency: 'usd',
    total: 6_030,
    lines: [
      { description: '1,240 credits × $0.015 until today', amount: 1_860 },
      { description: 'Team, base fee until Nov 1', amount: 1_580 },
      { description: 'Team, 7 seats until Nov 1', amount: 2_590 },
    ],
  },
  next: { at: at(END), currency: 'usd', total: 13_300, lines: [] },
};

/** Somebody may call an account, a plan or a line anything: it is text. */
export const HOSTILE = '<img src=x onerror=alert(1)>\u202e"\';--=cmd()';

const bills = {
  meter: null,
  quantity: null,
  unit_amount_decimal: null,
  period_start: at(START),
  period_end: at(END),
};
const final = { finalized_at: at(END), hosted_invoice_url: 'https://invoice.stripe.com/i/acct_1/test_1' };

export const INVOICES: readonly Invoice[] = [
  {
    invoice: 'in_4',
    number: null,
    status: 'draft',
    currency: 'usd',
    total: 8_160,
    created_at: at(END),
    finalized_at: null,
    hosted_invoice_url: null,
    lines: [
      {
        ...bills,
        description: '1240 × Credits (Tier 2)',
        meter: 'credits',
        quantity: 1_240,
        unit_amount_decimal: '1.5',
        amount: 1_860,
      },
      { ...bills, description: '1 × Team (at $49.00 / month)', amount: 4_900 },
      { ...bills, description: 'Remaining time on 2 × Seat after 12 Oct 2026', amount: 1_400 },
    ],
  },
  {
    ...final,
    invoice: 'in_3',
    number: 'TB-0003',
    status: 'open',
    currency: 'jpy',
    total: 128_000,
    created_at: at(START),
    lines: [{ ...bills, description: HOSTILE, amount: 128_000 }],
  },
  {
    ...final,
    invoice: 'in_2',
    number: 'TB-0002',
    status: 'paid',
    currency: 'kwd',
    total: 12_345,
    created_at: at(START - 30 * DAY_MS),
    lines: [
      {
        ...bills,
        description: '4115 × API calls',
        meter: 'api_calls',
        quantity: 4_115,
        unit_amount_decimal: '3',
        amount: 12_345,
      },
    ],
  },
  {
    ...final,
    invoice: 'in_1',
    number: 'TB-0001',
    status: 'void',
    currency: 'usd',
    total: 0,
    created_at: at(START - 60 * DAY_MS),
    lines: [{ ...bills, description: 'Credit for an outage', amount: -1_000 }],
  },
];

export const SEATS: SeatsResult = {
  account: 'acct_1',
  seats: 7,
  pending_seats: null,
  interval: 'month',
  price: { currency: 'usd', unit_amount_decimal: '1200' },
};

export const CHANGE_UNDER_WAY = {
  account: 'acct_1',
  change: 1,
  kind: 'plan',
  status: 'pending',
  plan: 'pro',
  requested_at: '2026-11-18T09:30:00.000Z',
  changed_at: null,
  reason: null,
};
