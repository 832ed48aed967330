import type { ReactNode } from 'react';
import type { CostResult } from '../../../src/client/index.ts';
import {
  CostSoFar,
  InvoiceList,
  PlanPicker,
  Seats,
  UsageChart,
  UsageMeter,
} from '../../../src/react/index.ts';
import {
  CHANGE_UNDER_WAY,
  costOf,
  GRADUATED,
  HOSTILE,
  INVOICES,
  PLANS,
  PREVIEW,
  rated,
  SEATS,
  VOLUME,
  windowsOf,
} from './gallery-data.ts';

/** One component in one state. */
export interface Example {
  readonly component: string;
  readonly name: string;
  /** Of its server. Default: ready. */
  readonly state?: 'ready' | 'loading' | 'failed' | 'stale' | 'expired' | 'unknown';
  /** What its server answers. */
  readonly data: (url: URL) => unknown;
  readonly render: () => ReactNode;
}

type States = readonly NonNullable<Example['state']>[];
const TROUBLE: States = ['loading', 'failed', 'stale', 'expired', 'unknown'];
const WORDS = {
  ready: 'Ready',
  loading: 'Loading',
  failed: 'Failed',
  stale: 'Stale',
  expired: 'Token has ended',
  unknown: 'New account',
} as const;

function inTrouble(component: string, data: Example['data'], render: Example['render']): Example[] {
  return TROUBLE.map((state) => ({ component, name: WORDS[state], state, data, render }));
}

const volume = (tier: number, quantity: number, unit: string, amount: number) =>
  costOf({ quantity, price: VOLUME, cost: rated('usd', [[tier, quantity, unit, amount]]) });

const METERS: Readonly<Record<string, CostResult>> = {
  'Within the limit': costOf({ limit: 5_000, quantity: 1_234 }),
  'Near the limit': costOf({ limit: 5_000, quantity: 4_321 }),
  'At the limit': costOf({ limit: 5_000, quantity: 5_000 }),
  'Over the limit': costOf({ limit: 5_000, quantity: 6_800 }),
  'Within what is included': costOf({ quantity: 1_500, price: GRADUATED, cost: rated('eur', []) }),
  'Until the next price': volume(1, 583, '2', 1_166),
  'Without an end': costOf({ quantity: 983_221 }),
  'Nothing used': costOf({ quantity: 0, limit: 5_000 }),
  'A great deal': costOf({ quantity: 8_999_999_999_999_999, limit: 9_007_199_254_740_991 }),
  'A hostile name': costOf({ meter: HOSTILE, limit: 1_000, quantity: 999 }),
};

const COSTS: Readonly<Record<string, CostResult>> = {
  'First tier': volume(1, 583, '2', 1_166),
  'Second tier': volume(2, 1_240, '1.5', 1_860),
  Graduated: costOf({
    quantity: 3_500,
    price: GRADUATED,
    cost: rated('eur', [
      [1, 2_000, '0', 0],
      [2, 1_500, '0.75', 1_125],
    ]),
  }),
  'Per unit in yen': costOf({
    quantity: 640,
    price: { currency: 'jpy', unit_amount_decimal: '2.5' },
    cost: rated('jpy', [[null, 640, '2.5', 1_600]]),
  }),
  'Packages in dinars': costOf({
    quantity: 640,
    price: {
      currency: 'kwd',
      unit_amount_decimal: '1250',
      transform_quantity: { divide_by: 100, round: 'up' },
    },
    cost: rated('kwd', [[null, 7, '1250', 8_750]]),
  }),
  'Not billed': costOf({ plan: 'free' }),
};

const chart = (isEmpty: boolean) => (url: URL) =>
  windowsOf(url.searchParams.get('window') === 'hour' ? 'hour' : 'day', isEmpty);

const choose = (currentPlan: string) => () => (
  <PlanPicker
    currentPlan={currentPlan}
    preview={async () => PREVIEW}
    onChange={async () => ({ status: 'done', reason: null })}
  />
);
const refuse = () => (
  <PlanPicker
    currentPlan="free"
    preview={async () => PREVIEW}
    onChange={async () => {
      throw new Error('A change of this account is under way.');
    }}
  />
);

export const EXAMPLES: readonly Example[] = [
  ...Object.entries(METERS).map(([name, cost]) => ({
    component: 'UsageMeter',
    name,
    data: () => cost,
    render: () => <UsageMeter />,
  })),
  ...inTrouble(
    'UsageMeter',
    () => METERS['Within the limit'],
    () => <UsageMeter meter="credits" />,
  ),
  ...Object.entries(COSTS).map(([name, cost]) => ({
    component: 'CostSoFar',
    name,
    data: () => cost,
    render: () => <CostSoFar />,
  })),
  ...inTrouble(
    'CostSoFar',
    () => COSTS['First tier'],
    () => <CostSoFar />,
  ),
  { component: 'UsageChart', name: 'Days', data: chart(false), render: () => <UsageChart /> },
  { component: 'UsageChart', name: 'Hours', data: chart(false), render: () => <UsageChart window="hour" /> },
  { component: 'UsageChart', name: 'Empty', data: chart(true), render: () => <UsageChart /> },
  ...inTrouble('UsageChart', chart(false), () => <UsageChart />),
  { component: 'PlanPicker', name: 'Choosing', data: () => PLANS, render: choose('free') },
  { component: 'PlanPicker', name: 'Refused', data: () => PLANS, render: refuse },
  {
    component: 'PlanPicker',
    name: 'A change under way',
    data: ({ pathname }) => (pathname.endsWith('/subscription/change') ? CHANGE_UNDER_WAY : PLANS),
    render: choose('free'),
  },
  {
    component: 'PlanPicker',
    name: 'To subscribe',
    data: () => PLANS,
    render: () => <PlanPicker currentPlan="free" onSubscribe={async () => {}} />,
  },
  {
    component: 'PlanPicker',
    name: 'Only to look at',
    data: () => PLANS,
    render: () => <PlanPicker currentPlan="pro" />,
  },
  {
    component: 'PlanPicker',
    name: 'A hostile name',
    data: () => ({ plans: [{ plan: 'x', name: HOSTILE, prices: [], limits: { [HOSTILE]: 5 } }] }),
    render: choose('x'),
  },
  { component: 'PlanPicker', name: 'Empty', data: () => ({ plans: [] }), render: choose('free') },
  ...inTrouble('PlanPicker', () => PLANS, choose('free')),
  {
    component: 'PlanPicker',
    name: 'Only to preview',
    data: () => PLANS,
    render: () => <PlanPicker currentPlan="pro" canPreview preview={async () => PREVIEW} />,
  },
  { component: 'Seats', name: 'Some', data: () => SEATS, render: () => <Seats /> },
  {
    component: 'Seats',
    name: 'Changing',
    data: () => ({ ...SEATS, pending_seats: 12 }),
    render: () => <Seats />,
  },
  { component: 'Seats', name: 'Stale', state: 'stale', data: () => SEATS, render: () => <Seats /> },
  {
    component: 'InvoiceList',
    name: 'Some',
    data: () => ({ invoices: INVOICES, next: null }),
    render: () => <InvoiceList />,
  },
  {
    component: 'InvoiceList',
    name: 'Empty',
    data: () => ({ invoices: [], next: null }),
    render: () => <InvoiceList />,
  },
  {
    component: 'InvoiceList',
    name: 'To be paid',
    data: () => ({ invoices: INVOICES.filter(({ status }) => status === 'open'), next: null }),
    render: () => <InvoiceList />,
  },
  ...inTrouble(
    'InvoiceList',
    () => ({ invoices: INVOICES, next: null }),
    () => <InvoiceList />,
  ),
];
