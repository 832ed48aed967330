import { describe, expect, test } from 'vitest';
import type { CatalogueChange } from './catalogue.ts';
import type { CatalogueComparison } from './catalogue-comparison.ts';
import {
  checkAccount,
  checkApiVersion,
  checkCatalogue,
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
      prices.map((each, index) => [
        `plan_${index}`,
        { name: 'x', prices: [each], licensed: [], limits: {}, listed: true },
      ]),
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
  // By whatever intervals a plan is billed, it is named once.
  const yearly = { ...volume, interval: 'year' } as const;
  const plan = { name: 'x', licensed: [], limits: {}, listed: true };
  const mixed = {
    ...plans(unit),
    big: { ...plan, prices: [volume, yearly] },
    huge: { ...plan, prices: [yearly] },
  };
  expect(checkTiersModes({ plans: mixed })).toMatchInlineSnapshot(`
    [
      {
        "check": "tiers_mode",
        "remedy": "Write the other prices with \`tiers_mode: 'volume'\`; a price per unit is one tier with \`up_to: 'inf'\`.",
        "severity": "warning",
        "what": "It is priced by volume in big, huge and not in plan_0: changes between them are refused.",
        "where": "meters.credits",
      },
    ]
  `);
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

test('what is found is said in sentences, each with what to do', () => {
  const portal = {
    configuration: 'bpc_1',
    is_default: true,
    switches_prices: true,
    cancels_immediately: true,
  };
  const classic = { stripe_subscription: 'sub_1', billing_mode: 'classic' };
  const item = { stripe_subscription_item: 'si_1', event_name: 'credits' };
  const twice = { ...classic, metered_items: [item, { ...item, stripe_subscription_item: 'si_2' }] };
  const denied = (status: 401 | 403) => ({ outcome: 'denied', status, message: 'x' }) as const;
  const account = { ...ACCOUNT, answered_at: 0 };
  const findings = [
    unreadFinding('invoices', denied(401), 'Invoices: read'),
    unreadFinding('invoices', denied(403), 'Invoices: read'),
    unreadFinding('invoices', { outcome: 'failed', message: 'reset' }, 'Invoices: read'),
    checkAccount(account, true),
    checkAccount(account, false),
    checkApiVersion(account),
    checkApiVersion({ ...account, api_version: 'x' }),
    checkClock(ACCOUNT, 0, 0),
    checkClock(account, 0, 0),
    checkClock(account, 90_000, 90_000),
    checkClock({ ...account, answered_at: 90_000 }, 0, 0),
    ...checkSubscriptions('acct_1', [twice], new Set(['credits'])),
    ...checkEndpoints([], false),
    ...checkEndpoints(
      [
        {
          endpoint: 'we_1',
          payload: 'snapshot',
          enabled: true,
          enabled_events: WEBHOOK_EVENT_TYPES.snapshot.slice(2),
        },
        { endpoint: 'ed_1', payload: 'thin', enabled: false, enabled_events: [] },
        { endpoint: 'ed_2', payload: 'thin', enabled: false, enabled_events: [] },
      ],
      true,
    ),
    ...checkEndpoints(
      [{ endpoint: 'ed_1', payload: 'thin', enabled: true, enabled_events: WEBHOOK_EVENT_TYPES.thin }],
      true,
    ).slice(1),
    ...checkPortals([portal]),
    ...checkPortals([]),
    checkDrafts([]),
    checkDrafts([45 * 60_000]),
    checkDrafts([45 * 60_000 - 1]),
  ];
  const texts = findings.map(
    (each) =>
      each &&
      [brief([each])[0], each.where, each.what, each.remedy]
        .join(' | ')
        .replace(WEBHOOK_EVENT_TYPES.snapshot.join(', '), '[every type]')
        .replace(WEBHOOK_EVENT_TYPES.thin.join(', '), '[every type]'),
  );
  expect(texts).toMatchInlineSnapshot(`
    [
      "error key | stripe.secret_key | Stripe does not take the key. | Copy the secret key again from the Dashboard (Developers, API keys).",
      "error permission | invoices | The key may not read this, so that it was not checked. | Give the restricted key the permission "Invoices: read" in the Dashboard.",
      "error unreadable | invoices | Stripe could not be read: reset | Run it again; if it persists, look at the connection to api.stripe.com.",
      "ok key | acct_1 | The key works, in live mode. | ",
      "ok key | acct_1 | The key works, in test mode. | ",
      "ok api_version | stripe | The stripe package asks for 2026-10-28.endive. | ",
      "warning api_version | stripe | The installed stripe package asks for x; tested is 2026-10-28.endive. | Install stripe@^23.1.0.",
      "ok clock | clock | Stripe's time is not known. | ",
      "ok clock | clock | The clock agrees with Stripe's. | ",
      "warning clock | clock | The clock is 89 s ahead of Stripe's. | Let the machine keep its time by NTP: usage is stamped and periods end by this clock.",
      "warning clock | clock | The clock is 90 s behind Stripe's. | Let the machine keep its time by NTP: usage is stamped and periods end by this clock.",
      "warning billing_mode | acct_1 | sub_1 is in classic billing mode: a changed price drops the usage before it. | Migrate it: stripe.subscriptions.migrate('sub_1', { billing_mode: { type: 'flexible' } }).",
      "error ambiguous_price | acct_1 | si_1 and si_2 both bill credits: Stripe charges all usage for each. | Remove all but one of the subscription items; until then the reports are held.",
      "warning webhook_secret | stripe.webhook_secret | Without it no event of Stripe is taken; subscriptions are read once a day only. | Set it to the signing secret of the endpoint (whsec_…).",
      "warning webhooks | webhook endpoints | There is none. | Let a webhook endpoint send: [every type].",
      "warning webhooks | event destinations (thin) | There is none. | Let an event destination with thin events send: [every type].",
      "warning webhooks | webhook endpoints | Not sent: checkout.session.completed, customer.subscription.created. | Let a webhook endpoint send them as well.",
      "warning webhooks | event destinations (thin) | All are disabled: ed_1, ed_2. | Let an event destination with thin events send: [every type].",
      "ok webhooks | event destinations (thin) | Every event that is handled is sent. | ",
      "warning portal_switch | bpc_1 (default) | Customers can switch prices in the portal. | Turn switching plans off in it: the app flushes usage first, the portal cannot.",
      "warning portal_cancel | bpc_1 (default) | Customers can cancel at once in the portal. | Turn immediate cancellation off in it: the app flushes usage first, the portal cannot.",
      "ok portal | customer portal | It lets customers neither switch prices nor cancel at once. | ",
      "ok draft_window | invoices | How long drafts stay open is not known: no billing period has ended yet. | ",
      "ok draft_window | invoices | Drafts stay open for 45 min or more. | ",
      "warning draft_window | invoices | Drafts stay open for 44 min or more. | Set the time until drafts are finalised to an hour or more in the Dashboard (Billing, Invoices).",
    ]
  `);
});

describe('meters and prices', () => {
  const METER = {
    stripe_meter: 'mtr_1',
    event_name: 'credits',
    display_name: 'x',
    active: true,
    formula: 'sum',
    customer_key: 'stripe_customer_id',
    value_key: 'value',
    event_time_window: null,
  };
  const price = (interval: 'month' | 'year') =>
    ({
      currency: 'usd',
      interval,
      meter: 'credits',
      stripe_price: null,
      lookup_key: interval,
      unit_amount_decimal: '1',
    }) as const;
  const plan = (...prices: ReturnType<typeof price>[]) => ({
    name: 'X',
    prices,
    licensed: [],
    limits: {},
    listed: true,
  });
  const declared = {
    event_names: new Map([['credits', 'credits']]),
    plans: {
      free: plan(),
      one: plan(price('month')),
      two: plan(price('month'), price('year')),
      seats: { ...plan(price('month')), licensed: [{ ...price('month'), quantity: 'seats' as const }] },
    },
  };
  const check = (comparison: Partial<CatalogueComparison>, meters = [METER]) =>
    checkCatalogue(
      declared,
      { changes: [], findings: [], sold: new Set(Object.keys(declared.plans)), ...comparison },
      { meters, products: [], prices: [] },
    ).map((each) => [brief([each])[0], each.where, each.what, each.remedy].join(' | '));

  test('that are as configured are told', () => {
    expect(check({})).toMatchInlineSnapshot(`
      [
        "ok meter | meters.credits | mtr_1 sums up value of stripe_customer_id. | ",
        "ok prices | plans.free | It is free. | ",
        "ok prices | plans.one | Its price is as configured. | ",
        "ok prices | plans.two | Its 2 prices are as configured. | ",
        "ok prices | plans.seats | Its 2 prices are as configured. | ",
      ]
    `);
  });

  test('that are read by other keys are a warning, whichever of the two it is', () => {
    expect(check({}, [{ ...METER, value_key: 'units' }])[0]).toMatchInlineSnapshot(
      `"warning meter_keys | meters.credits | mtr_1 sums up units of stripe_customer_id. | Tallybook sends these keys; see that nothing else writes to the meter with others."`,
    );
    expect(check({}, [{ ...METER, customer_key: 'customer' }])[0]).toContain('warning meter_keys');
    expect(check({}, [{ ...METER, active: false }])[0]).toContain('plans.free');
    expect(check({}, [{ ...METER, event_name: 'other' }])[0]).toContain('plans.free');
  });

  test('that are as configured are told beside those that are not', () => {
    const event_names = new Map([
      ['credits', 'credits'],
      ['tokens', 'tokens'],
    ]);
    const wrong: Finding = {
      severity: 'error',
      check: 'meter_formula',
      where: 'meters.tokens',
      what: 'x',
      remedy: 'y',
    };
    const found = checkCatalogue(
      { event_names, plans: {} },
      { changes: [], findings: [wrong], sold: new Set() },
      { meters: [METER, { ...METER, event_name: 'tokens', formula: 'count' }], products: [], prices: [] },
    );
    expect(found.map(({ severity, where }) => [severity, where])).toEqual([
      ['error', 'meters.tokens'],
      ['ok', 'meters.credits'],
    ]);
  });

  test('that are to be pushed, or cannot be, are told, and their plans are not called sound', () => {
    const terms = {
      currency: 'usd',
      unit_amount_decimal: '1',
      interval: 'month',
      interval_count: 1,
      event_name: null,
    } as const;
    const base = { plan: 'one', stripe_product: 'tallybook_one' } as const;
    const created = { ...terms, lookup_key: 'key', quantity: null } as const;
    const changes: CatalogueChange[] = [
      { change: 'create_meter', meter: 'credits', event_name: 'credits' },
      { change: 'reactivate_meter', meter: 'credits', event_name: 'credits', stripe_meter: 'mtr_1' },
      { change: 'create_product', ...base, name: 'One' },
      { change: 'create_price', ...base, price: created, replaces: null },
      { change: 'create_price', ...base, price: created, replaces: { stripe_price: 'price_0', terms } },
      { change: 'activate_price', plan: 'one', stripe_price: 'price_0', lookup_key: null, terms },
      { change: 'deactivate_price', plan: 'one', stripe_price: 'price_0', lookup_key: null, terms },
    ];
    const wrong: Finding = {
      severity: 'error',
      check: 'meter_formula',
      where: 'meters.credits',
      what: 'x',
      remedy: 'y',
    };
    expect(check({ changes, findings: [wrong], sold: new Set(['free', 'one']) })).toMatchInlineSnapshot(`
      [
        "error meter_formula | meters.credits | x | y",
        "error meter_inactive | meters.credits | Stripe has no such meter. | Run \`tallybook push\`.",
        "error meter_inactive | meters.credits | The meter is deactivated. | Run \`tallybook push\`.",
        "warning catalogue | plans.one | To be done: product tallybook_one: One. | Run \`tallybook push\`.",
        "error price_missing | plans.one | Stripe has no price key. | Run \`tallybook push\`.",
        "error price_differs | plans.one | price_0 at Stripe differs from the configuration (key). | Run \`tallybook push\`.",
        "error price_inactive | plans.one | price_0 takes no new subscriptions. | Run \`tallybook push\`.",
        "warning catalogue | plans.one | To be done: price price_0: takes no new subscriptions, those it has stay on it. | Run \`tallybook push\`.",
        "ok prices | plans.free | It is free. | ",
      ]
    `);
  });
});
