import type { Catalogue, CatalogueChange } from './catalogue.ts';
import type { CatalogueComparison, DeclaredCatalogue } from './catalogue-comparison.ts';
import { changeText } from './catalogue-text.ts';
import type { Instant } from './environment.ts';
import type { Finding } from './finding.ts';
import type {
  InspectedAccount,
  InspectedEndpoint,
  InspectedPortal,
  InspectedSubscription,
  Inspection,
} from './inspection-provider.ts';
import { durationText, MINUTE_MS, SECOND_MS } from './instant.ts';
import { WEBHOOK_EVENT_TYPES } from './webhook-event.ts';

/** The version of Stripe's API that this release was built and tested on. */
export const TESTED_API_VERSION = '2026-10-28.endive';
/** Stripe refuses usage that is stamped five minutes ahead; a minute leaves time to notice. */
const MAX_CLOCK_DIFFERENCE_MS = MINUTE_MS;
/** Late usage is taken for half an hour, and has to be sent and counted. */
const MIN_DRAFT_MS = 45 * MINUTE_MS;

const finding = (
  severity: Finding['severity'],
  check: string,
  where: string,
  what: string,
  remedy: string | null = null,
): Finding => ({ severity, check, where, what, remedy });

/** What stops a reading from being judged; null = nothing, it was read. */
export function unreadFinding(
  where: string,
  inspection: Inspection<unknown>,
  permission: string,
): Finding | null {
  if (inspection.outcome === 'read') return null;
  if (inspection.outcome !== 'denied') {
    const remedy =
      inspection.outcome === 'refused'
        ? 'Stripe will say the same again: its words tell what it does not accept.'
        : 'Run it again; if it persists, look at the connection to api.stripe.com.';
    return finding('error', 'unreadable', where, `Stripe could not be read: ${inspection.message}`, remedy);
  }
  if (inspection.status === 401) {
    const remedy = 'Copy the secret key again from the Dashboard (Developers, API keys).';
    return finding('error', 'key', 'stripe.secret_key', 'Stripe does not take the key.', remedy);
  }
  const remedy = `Give the restricted key the permission "${permission}" in the Dashboard.`;
  return finding(
    'error',
    'permission',
    where,
    'The key may not read this, so that it was not checked.',
    remedy,
  );
}

/** Of a customer whose subscriptions Stripe will not tell: reports of its account are held. */
export function refusedCustomer(account: string, stripe_customer: string, message: string): Finding {
  const what = `Stripe refuses ${stripe_customer}: ${message}`;
  const remedy = 'Set the right one with usage.accounts.set(); until then the reports are held.';
  return finding('error', 'customer_refused', account, what, remedy);
}

export function checkAccount(account: InspectedAccount, livemode: boolean): Finding {
  const mode = livemode ? 'live' : 'test';
  return finding('ok', 'key', account.stripe_account, `The key works, in ${mode} mode.`);
}

export function checkApiVersion({ api_version }: InspectedAccount): Finding {
  if (api_version === TESTED_API_VERSION) {
    return finding('ok', 'api_version', 'stripe', `The stripe package asks for ${api_version}.`);
  }
  const what = `The installed stripe package asks for ${api_version}; tested is ${TESTED_API_VERSION}.`;
  return finding('warning', 'api_version', 'stripe', what, 'Install stripe@^23.1.0.');
}

/** Stripe tells its time to the second. */
export function checkClock({ answered_at }: InspectedAccount, before: Instant, after: Instant): Finding {
  if (answered_at === null) return finding('ok', 'clock', 'clock', "Stripe's time is not known.");
  const ahead = before - (answered_at + SECOND_MS);
  const behind = answered_at - after;
  const difference = Math.max(ahead, behind, 0);
  if (difference <= MAX_CLOCK_DIFFERENCE_MS) {
    return finding('ok', 'clock', 'clock', "The clock agrees with Stripe's.");
  }
  const what = `The clock is ${durationText(difference)} ${ahead > behind ? 'ahead of' : 'behind'} Stripe's.`;
  const remedy = 'Let the machine keep its time by NTP: usage is stamped and periods end by this clock.';
  return finding('warning', 'clock', 'clock', what, remedy);
}

/** Meters and prices, as `push` compares them. */
export function checkCatalogue(
  declared: DeclaredCatalogue,
  { changes, findings, sold }: CatalogueComparison,
  { meters }: Catalogue,
): Finding[] {
  const result = [...findings, ...changes.map(changeFinding)];
  for (const [meter, event_name] of declared.event_names) {
    const found = meters.find((each) => each.active && each.event_name === event_name);
    const isWrong = result.some(({ where }) => where === `meters.${meter}`);
    if (!found || isWrong) continue;
    const { stripe_meter, customer_key, value_key } = found;
    const isUsual = customer_key === 'stripe_customer_id' && value_key === 'value';
    const what = `${stripe_meter} sums up ${value_key} of ${customer_key}.`;
    const remedy = 'Tallybook sends these keys; see that nothing else writes to the meter with others.';
    result.push(
      isUsual
        ? finding('ok', 'meter', `meters.${meter}`, what)
        : finding('warning', 'meter_keys', `meters.${meter}`, what, remedy),
    );
  }
  for (const [plan, { prices, licensed }] of Object.entries(declared.plans)) {
    if (!sold.has(plan) || changes.some((each) => 'plan' in each && each.plan === plan)) continue;
    const count = prices.length + licensed.length;
    const what =
      count === 0 ? 'It is free.' : `Its ${count === 1 ? 'price is' : `${count} prices are`} as configured.`;
    result.push(finding('ok', 'prices', `plans.${plan}`, what));
  }
  return result;
}

function changeFinding(change: CatalogueChange): Finding {
  const remedy = 'Run `tallybook push`.';
  const text = changeText(change);
  switch (change.change) {
    case 'create_meter':
    case 'reactivate_meter': {
      const what =
        change.change === 'create_meter' ? 'Stripe has no such meter.' : 'The meter is deactivated.';
      return finding('error', 'meter_inactive', `meters.${change.meter}`, what, remedy);
    }
    case 'create_price': {
      const { plan, price, replaces } = change;
      const what = replaces
        ? `${replaces.stripe_price} at Stripe differs from the configuration (${price.lookup_key}).`
        : `Stripe has no price ${price.lookup_key}.`;
      return finding('error', replaces ? 'price_differs' : 'price_missing', `plans.${plan}`, what, remedy);
    }
    case 'activate_price':
      return finding(
        'error',
        'price_inactive',
        `plans.${change.plan}`,
        `${change.stripe_price} takes no new subscriptions.`,
        remedy,
      );
    default:
      return finding('warning', 'catalogue', `plans.${change.plan}`, `To be done: ${text}.`, remedy);
  }
}

/** Stripe's rating by volume and by tiers cannot follow each other on one subscription. */
export function checkTiersModes({ plans }: Pick<DeclaredCatalogue, 'plans'>): Finding[] {
  const modes = new Map<string, { readonly volume: string[]; readonly other: string[] }>();
  for (const [plan, { prices }] of Object.entries(plans)) {
    for (const { meter, tiers_mode } of prices) {
      const known = modes.get(meter) ?? { volume: [], other: [] };
      modes.set(meter, known);
      const list = tiers_mode === 'volume' ? known.volume : known.other;
      if (!list.includes(plan)) list.push(plan);
    }
  }
  return [...modes].flatMap(([meter, { volume, other }]) => {
    if (volume.length === 0 || other.length === 0) return [];
    const what = `It is priced by volume in ${volume.join(', ')} and not in ${other.join(', ')}: changes between them are refused.`;
    const remedy =
      "Write the other prices with `tiers_mode: 'volume'`; a price per unit is one tier with `up_to: 'inf'`.";
    return [finding('warning', 'tiers_mode', `meters.${meter}`, what, remedy)];
  });
}

/** Of one customer. */
export function checkSubscriptions(
  account: string,
  subscriptions: readonly InspectedSubscription[],
  event_names: ReadonlySet<string>,
): Finding[] {
  const findings: Finding[] = [];
  const items = new Map<string, string[]>();
  for (const { stripe_subscription, billing_mode, metered_items } of subscriptions) {
    const billed = metered_items.filter(({ event_name }) => event_names.has(event_name));
    for (const { event_name, stripe_subscription_item } of billed) {
      items.set(event_name, [...(items.get(event_name) ?? []), stripe_subscription_item]);
    }
    if (billing_mode !== 'classic' || billed.length === 0) continue;
    const what = `${stripe_subscription} is in classic billing mode: a changed price drops the usage before it.`;
    const remedy = `Migrate it: stripe.subscriptions.migrate('${stripe_subscription}', { billing_mode: { type: 'flexible' } }).`;
    findings.push(finding('warning', 'billing_mode', account, what, remedy));
  }
  for (const [event_name, ids] of items) {
    if (ids.length < 2) continue;
    const what = `${ids.join(' and ')} both bill ${event_name}: Stripe charges all usage for each.`;
    const remedy = 'Remove all but one of the subscription items; until then the reports are held.';
    findings.push(finding('error', 'ambiguous_price', account, what, remedy));
  }
  return findings;
}

/** @param has_secret whether the app can verify what it gets. */
export function checkEndpoints(endpoints: readonly InspectedEndpoint[], has_secret: boolean): Finding[] {
  const findings: Finding[] = [];
  if (!has_secret) {
    const what = 'Without it no event of Stripe is taken; subscriptions are read once a day only.';
    const remedy = 'Set it to the signing secret of the endpoint (whsec_…).';
    findings.push(finding('warning', 'webhook_secret', 'stripe.webhook_secret', what, remedy));
  }
  for (const payload of ['snapshot', 'thin'] as const) {
    findings.push(
      checkEvents(
        payload,
        endpoints.filter((each) => each.payload === payload),
      ),
    );
  }
  return findings;
}

function checkEvents(payload: 'snapshot' | 'thin', endpoints: readonly InspectedEndpoint[]): Finding {
  const wanted = WEBHOOK_EVENT_TYPES[payload];
  const where = payload === 'snapshot' ? 'webhook endpoints' : 'event destinations (thin)';
  const enabled = endpoints.filter(({ enabled }) => enabled);
  const heard = new Set(enabled.flatMap(({ enabled_events }) => enabled_events));
  const missing = heard.has('*') && payload === 'snapshot' ? [] : wanted.filter((type) => !heard.has(type));
  if (missing.length === 0) return finding('ok', 'webhooks', where, 'Every event that is handled is sent.');
  const listen = `${payload === 'snapshot' ? 'Let a webhook endpoint' : 'Let an event destination with thin events'} send`;
  if (enabled.length === 0) {
    const disabled = endpoints.map(({ endpoint }) => endpoint).join(', ');
    const what = endpoints.length === 0 ? 'There is none.' : `All are disabled: ${disabled}.`;
    return finding('warning', 'webhooks', where, what, `${listen}: ${wanted.join(', ')}.`);
  }
  const what = `Not sent: ${missing.join(', ')}.`;
  return finding('warning', 'webhooks', where, what, `${listen} them as well.`);
}

export function checkPortals(portals: readonly InspectedPortal[]): Finding[] {
  const findings = portals.flatMap(({ configuration, is_default, switches_prices, cancels_immediately }) => {
    const where = is_default ? `${configuration} (default)` : configuration;
    const remedy = (what: string) =>
      `Turn ${what} off in it: the app flushes usage first, the portal cannot.`;
    return [
      ...(switches_prices
        ? [
            finding(
              'warning',
              'portal_switch',
              where,
              'Customers can switch prices in the portal.',
              remedy('switching plans'),
            ),
          ]
        : []),
      ...(cancels_immediately
        ? [
            finding(
              'warning',
              'portal_cancel',
              where,
              'Customers can cancel at once in the portal.',
              remedy('immediate cancellation'),
            ),
          ]
        : []),
    ];
  });
  if (findings.length > 0) return findings;
  return [
    finding('ok', 'portal', 'customer portal', 'It lets customers neither switch prices nor cancel at once.'),
  ];
}

/** @param open_ms how long drafts were open. */
export function checkDrafts(open_ms: readonly number[]): Finding {
  const shortest = Math.min(...open_ms);
  if (open_ms.length === 0) {
    return finding(
      'ok',
      'draft_window',
      'invoices',
      'How long drafts stay open is not known: no billing period has ended yet.',
    );
  }
  const minutes = Math.floor(shortest / MINUTE_MS);
  const what = `Drafts stay open for ${minutes} min or more.`;
  if (shortest >= MIN_DRAFT_MS) return finding('ok', 'draft_window', 'invoices', what);
  const remedy =
    'Set the time until drafts are finalised to an hour or more in the Dashboard (Billing, Invoices).';
  return finding('warning', 'draft_window', 'invoices', what, remedy);
}
