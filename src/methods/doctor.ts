import type { BillingProvider } from '../core/billing-provider.ts';
import { compareCatalogue, type DeclaredCatalogue, referencesOf } from '../core/catalogue-comparison.ts';
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
  refusedCustomer,
  unreadFinding,
} from '../core/doctor-checks.ts';
import type { Clock } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import { bySeverity, type Finding } from '../core/finding.ts';
import type { Inspection } from '../core/inspection-provider.ts';
import type { Store } from '../core/store.ts';
import { parseFields } from '../core/usage-event.ts';

/** What `usage.doctor` answers. */
export interface DoctorResult {
  /** Errors first, then warnings, then what is as it should be. */
  readonly findings: readonly Finding[];
  readonly errors: number;
  readonly warnings: number;
}

interface DoctorContext extends DeclaredCatalogue {
  readonly store: Store;
  readonly clock: Clock;
  /** null = Stripe is not configured. */
  readonly provider: BillingProvider | null;
  /** @throws UsageError where the package `stripe` is not installed. */
  readonly requireStripe: () => Promise<void>;
  readonly livemode: boolean;
  readonly has_webhook_secret: boolean;
  /** Of PostgreSQL: unsafe settings are let through. */
  readonly allow_unsafe: boolean;
}

/** The linked accounts whose subscriptions are read: one call each. */
const MAX_CUSTOMERS = 50;
const ACCOUNTS_PER_PAGE = 500;
/** Accounts that are looked through for linked ones. */
const MAX_PAGES = 20;
const NO_FIELDS = new Set<string>();

/** The method behind `usage.doctor`: what is wrong never rejects it, it is a finding. */
export function createDoctor(context: DoctorContext) {
  return async (params: unknown = {}): Promise<DoctorResult> => {
    parseFields(params, NO_FIELDS);
    const customers: Customer[] = [];
    const findings = [await checkDatabase(context, customers), ...checkTiersModes(context)];
    if (context.provider) findings.push(...(await checkStripe(context, context.provider, customers)));
    else findings.push(NOT_CONFIGURED);
    const count = (severity: Finding['severity']) =>
      findings.filter((each) => each.severity === severity).length;
    return { findings: bySeverity(findings), errors: count('error'), warnings: count('warning') };
  };
}

const NOT_CONFIGURED: Finding = {
  severity: 'warning',
  check: 'stripe',
  where: 'stripe',
  what: 'Stripe is not configured: usage is counted, and its reports wait.',
  remedy: 'Set `stripe: { secret_key }` in createUsage().',
};

interface Customer {
  readonly account: string;
  readonly stripe_customer: string;
}

/** Reads what it is asked for anyway: linked accounts. */
async function checkDatabase(
  { store, allow_unsafe }: DoctorContext,
  customers: Customer[],
): Promise<Finding> {
  const base = { check: 'database', where: 'database' };
  try {
    customers.push(...(await linkedAccounts(store)));
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    const check = error instanceof UsageError ? error.code : base.check;
    const remedy = error instanceof UsageError ? error.remedy : 'Correct `database` in createUsage().';
    return { ...base, severity: 'error', check, what: what.replace(remedy, '').trim(), remedy };
  }
  if (allow_unsafe) {
    const what = '`allow_unsafe` is set: acknowledged usage may be lost when the server crashes.';
    const remedy = 'Leave it out where usage is billed, with `fsync` and `synchronous_commit` on.';
    return { ...base, severity: 'warning', check: 'storage_unsafe', what, remedy };
  }
  const what = 'It answers, and acknowledges what is on disk.';
  return { ...base, severity: 'ok', what, remedy: null };
}

async function linkedAccounts(store: Store): Promise<Customer[]> {
  const linked: Customer[] = [];
  let after: string | null = null;
  for (let page = 0; page < MAX_PAGES && linked.length < MAX_CUSTOMERS; page += 1) {
    const accounts = await store.listAccounts({ after, limit: ACCOUNTS_PER_PAGE });
    for (const { account_id: account, stripe_customer } of accounts) {
      if (stripe_customer !== null) linked.push({ account, stripe_customer });
    }
    after = accounts.at(-1)?.account_id ?? null;
    if (accounts.length < ACCOUNTS_PER_PAGE) break;
  }
  return linked.slice(0, MAX_CUSTOMERS);
}

async function checkStripe(
  context: DoctorContext,
  provider: BillingProvider,
  customers: readonly Customer[],
): Promise<Finding[]> {
  const { clock, livemode, has_webhook_secret } = context;
  const missing = await missingPackage(context);
  if (missing) return [missing];
  const before = clock.now();
  const account = await provider.inspectAccount();
  const findings = judged('account', account, 'Connect: All, read', (value) => [
    checkAccount(value, livemode),
    checkApiVersion(value),
    checkClock(value, before, clock.now()),
  ]);
  // Every other question would have the same answer.
  if (account.outcome === 'denied' && account.status === 401) return findings;
  const endpoints = await provider.inspectEndpoints();
  const portals = await provider.inspectPortals();
  const drafts = await provider.inspectDrafts();
  return [
    ...findings,
    ...(await checkMetersAndPrices(context, provider)),
    ...(await checkCustomers(context, provider, customers)),
    ...judged('webhook endpoints', endpoints, 'Webhook Endpoints and Event Destinations: read', (value) =>
      checkEndpoints(value, has_webhook_secret),
    ),
    ...judged('customer portal', portals, 'Customer portal: read', checkPortals),
    ...judged('invoices', drafts, 'Invoices: read', (value) => [checkDrafts(value)]),
  ];
}

/** Without it nothing can be asked; null = it is there. */
async function missingPackage({ requireStripe }: DoctorContext): Promise<Finding | null> {
  try {
    await requireStripe();
    return null;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const { message, remedy } = error;
    const what = message.replace(remedy, '').trim();
    return { severity: 'error', check: 'stripe_package', where: 'stripe', what, remedy };
  }
}

function judged<Value>(
  where: string,
  inspection: Inspection<Value>,
  permission: string,
  judge: (value: Value) => readonly Finding[],
): Finding[] {
  const unread = unreadFinding(where, inspection, permission);
  if (unread) return [unread];
  return inspection.outcome === 'read' ? [...judge(inspection.value)] : [];
}

async function checkMetersAndPrices(context: DoctorContext, provider: BillingProvider): Promise<Finding[]> {
  const { event_names, plans } = context;
  const inspection = await provider.inspectCatalogue({
    references: referencesOf(plans),
    plans: Object.keys(plans),
  });
  const permission = 'Prices, Products and Meters: read';
  return judged('meters and prices', inspection, permission, (catalogue) =>
    checkCatalogue({ event_names, plans }, compareCatalogue({ event_names, plans }, catalogue), catalogue),
  );
}

async function checkCustomers(
  { event_names }: DoctorContext,
  provider: BillingProvider,
  customers: readonly Customer[],
): Promise<Finding[]> {
  const counted = new Set(event_names.values());
  const findings: Finding[] = [];
  for (const { account, stripe_customer } of customers) {
    const inspection = await provider.inspectSubscriptions({ stripe_customer });
    if (inspection.outcome === 'refused') {
      findings.push(refusedCustomer(account, stripe_customer, inspection.message));
      continue;
    }
    const unread = unreadFinding('subscriptions', inspection, 'Subscriptions: read');
    // The key lacks it for all of them.
    if (unread) return [...findings, unread];
    if (inspection.outcome === 'read')
      findings.push(...checkSubscriptions(account, inspection.value, counted));
  }
  if (findings.length > 0) return findings;
  const accounts = customers.length === 1 ? 'the linked account' : `${customers.length} linked accounts`;
  const what =
    customers.length === 0
      ? 'No account is linked to a Stripe customer yet.'
      : `Those of ${accounts} are in flexible billing mode, with one price for each meter.`;
  return [{ severity: 'ok', check: 'subscriptions', where: 'subscriptions', what, remedy: null }];
}
