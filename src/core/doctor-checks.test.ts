import { describe, expect, test } from 'vitest';
import {
  checkApiVersion,
  checkClock,
  checkDrafts,
  checkEndpoints,
  checkPortals,
  checkSubscriptions,
  checkTiersModes,
  TESTED_API_VERSION,
  unreadFinding,
} from './doctor-checks.ts';
import { bySeverity, type Finding } from './finding.ts';
import type { InspectedEndpoint } from './inspection-provider.ts';
import type { Plans } from './plan.ts';
import { WEBHOOK_EVENT_TYPES } from './webhook-event.ts';

const brief = (findings: readonly Finding[]) => findings.map(({ severity, check }) => `${severity} ${check}`);
const ACCOUNT = { stripe_account: 'acct_1', answered_at: null, api_version: TESTED_API_VERSION };

test('a version of the API that was not tested is a warning', () => {
  expect(checkApiVersion(ACCOUNT).severity).toBe('ok');
  const other = checkApiVersion({ ...ACCOUNT, api_version: '2030-01-01.fir' });
  expect(other).toMatchObject({ severity: 'warning', remedy: expect.stringContaining('stripe@') });
});

describe("a clock more than a minute from Stripe's is a warning", () => {
  const NOON = Date.UTC(2026, 0, 1, 12);
  const clocks: [string, number, number, string][] = [
    // Stripe's second, the clock before and after, in milliseconds from noon.
    ['the same', 0, 100, 'ok'],
    ['within the second', 999, 1_200, 'ok'],
    ['ahead by a minute', 61_000, 61_100, 'ok'],
    ['ahead by more', 61_001, 61_100, 'warning'],
    ['behind by a minute', -60_100, -60_000, 'ok'],
    ['behind by more', -60_101, -60_001, 'warning'],
    ['slow to be answered', -100_000, 50_000, 'ok'],
  ];
  test.each(clocks)('%s', (_, before, after, severity) => {
    const finding = checkClock({ ...ACCOUNT, answered_at: NOON }, NOON + before, NOON + after);
    expect(finding.severity).toBe(severity);
  });
  test('not told', () => {
    expect(checkClock(ACCOUNT, NOON, NOON)).toMatchObject({
      severity: 'ok',
      what: expect.stringContaining('not known'),
    });
  });
});

test('a meter that is priced by volume in one plan and not in another is a warning', () => {
  const price = {
    currency: 'usd',
    interval: 'month',
    meter: 'credits',
    stripe_price: null,
    lookup_key: 'x',
  } as const;
  const unit = { ...price, unit_amount_decimal: '1' };
  const volume = {
    ...price,
    tiers_mode: 'volume',
    tiers: [{ up_to: 'inf', unit_amount_decimal: '1' }],
  } as const;
  const plans = (...prices: (typeof unit | typeof volume)[]): Plans =>
    Object.fromEntries(
      prices.map((each, index) => [`plan_${index}`, { name: 'x', prices: [each], licensed: [], limits: {} }]),
    );
  expect(checkTiersModes({ plans: plans(volume, volume) })).toEqual([]);
  expect(checkTiersModes({ plans: plans(unit, unit) })).toEqual([]);
  expect(checkTiersModes({ plans: plans(unit, volume, { ...unit, meter: 'credits' }) })).toMatchObject([
    {
      severity: 'warning',
      where: 'meters.credits',
      what: expect.stringContaining('in plan_1 and not in plan_0, plan_2'),
    },
  ]);
});

describe('subscriptions', () => {
  const counted = new Set(['credits']);
  const item = (id: string, event_name = 'credits') => ({ stripe_subscription_item: id, event_name });
  const subscription = (billing_mode: string, ...metered_items: ReturnType<typeof item>[]) => ({
    stripe_subscription: 'sub_1',
    billing_mode,
    metered_items,
  });

  test('in classic mode are a warning where they bill a configured meter', () => {
    const check = (mode: string, name: string) =>
      brief(checkSubscriptions('acct_1', [subscription(mode, item('si_1', name))], counted));
    expect(check('classic', 'credits')).toEqual(['warning billing_mode']);
    expect(check('classic', 'other')).toEqual([]);
    expect(check('flexible', 'credits')).toEqual([]);
  });

  test('that bill a meter twice are an error that names both items', () => {
    const twice = [
      subscription('flexible', item('si_1')),
      subscription('flexible', item('si_2'), item('si_3', 'x')),
    ];
    expect(checkSubscriptions('acct_1', twice, counted)).toMatchObject([
      {
        severity: 'error',
        check: 'ambiguous_price',
        where: 'acct_1',
        what: expect.stringContaining('si_1 and si_2'),
      },
    ]);
  });
});

describe('endpoints', () => {
  const endpoint = (
    payload: 'snapshot' | 'thin',
    enabled: boolean,
    ...enabled_events: string[]
  ): InspectedEndpoint => ({
    endpoint: 'we_1',
    payload,
    enabled,
    enabled_events,
  });
  const all = [
    endpoint('snapshot', true, ...WEBHOOK_EVENT_TYPES.snapshot),
    endpoint('thin', true, ...WEBHOOK_EVENT_TYPES.thin),
  ];

  test('that send everything, between them, are as they should be', () => {
    expect(brief(checkEndpoints(all, true))).toEqual(['ok webhooks', 'ok webhooks']);
    expect(brief(checkEndpoints([endpoint('snapshot', true, '*'), ...all.slice(1)], true))).toEqual([
      'ok webhooks',
      'ok webhooks',
    ]);
    const halves = WEBHOOK_EVENT_TYPES.snapshot.map((type) => endpoint('snapshot', true, type));
    expect(brief(checkEndpoints([...halves, ...all.slice(1)], true))).toEqual(['ok webhooks', 'ok webhooks']);
  });

  test('that are missing, disabled or leave events out are warnings, and so is a missing secret', () => {
    const [none, thin] = checkEndpoints([], true);
    expect([none?.what, thin?.what]).toEqual(['There is none.', 'There is none.']);
    expect(thin?.remedy).toContain('v1.billing.meter.error_report_triggered');
    const [disabled] = checkEndpoints([endpoint('snapshot', false, '*')], true);
    expect(disabled).toMatchObject({ severity: 'warning', what: 'All are disabled: we_1.' });
    const [some] = checkEndpoints(
      [endpoint('snapshot', true, ...WEBHOOK_EVENT_TYPES.snapshot.slice(1))],
      true,
    );
    expect(some).toMatchObject({
      severity: 'warning',
      what: `Not sent: ${WEBHOOK_EVENT_TYPES.snapshot[0]}.`,
    });
    // `*` leaves out what must be chosen explicitly, which all thin events must.
    expect(checkEndpoints([endpoint('thin', true, '*')], true)[1]?.severity).toBe('warning');
    expect(brief(checkEndpoints(all, false))[0]).toBe('warning webhook_secret');
  });
});

test('a portal that lets customers switch prices or cancel at once is a warning for each', () => {
  const portal = {
    configuration: 'bpc_1',
    is_default: true,
    switches_prices: true,
    cancels_immediately: true,
  };
  expect(brief(checkPortals([portal]))).toEqual(['warning portal_switch', 'warning portal_cancel']);
  const tame = { ...portal, is_default: false, switches_prices: false, cancels_immediately: false };
  expect(brief(checkPortals([tame]))).toEqual(['ok portal']);
});

test.each([
  [[], 'ok', 'not known'],
  [[3_600_000], 'ok', '60 min'],
  [[3_600_000, 600_000], 'warning', '10 min'],
])('drafts that were open for %j ms are %s', (open_ms, severity, words) => {
  expect(checkDrafts(open_ms)).toMatchObject({ severity, what: expect.stringContaining(words) });
});

test('what could not be read says why, and what to do', () => {
  const denied = (status: 401 | 403) => ({ outcome: 'denied', status, message: 'x' }) as const;
  expect(unreadFinding('invoices', { outcome: 'read', value: 1 }, 'p')).toBeNull();
  expect(unreadFinding('invoices', denied(401), 'p')).toMatchObject({ check: 'key' });
  expect(unreadFinding('invoices', denied(403), 'p')).toMatchObject({
    check: 'permission',
    remedy: expect.stringContaining('"p"'),
  });
  const failed = { outcome: 'failed', message: 'reset' } as const;
  expect(unreadFinding('invoices', failed, 'p')).toMatchObject({ severity: 'error', check: 'unreadable' });
});

test('errors come first', () => {
  const finding = (severity: Finding['severity']): Finding => ({
    severity,
    check: 'x',
    where: 'x',
    what: 'x',
    remedy: null,
  });
  const sorted = bySeverity([finding('ok'), finding('warning'), finding('error')]);
  expect(sorted.map(({ severity }) => severity)).toEqual(['error', 'warning', 'ok']);
});
