import type { Stripe } from 'stripe';
import type { AccountResult } from '../../accounts.ts';
import { type Period, periodAt } from '../../core/billing-period.ts';
import { formatInstant, SECOND_MS } from '../../core/instant.ts';
import { describeLines, formatMoney } from '../../core/money.ts';
import type { UsageResult } from '../../query/usage-result.ts';
import { type DemoMeter, type DemoUsage, METERS } from './demo.ts';

/** What one account used of one meter in one billing period. */
export interface PeriodView extends UsageResult {
  readonly is_current: boolean;
  /** null = nothing in it will be billed. */
  readonly cost_text: string | null;
  /** How the cost comes about. */
  readonly cost_lines: readonly string[];
}

export interface AccountView extends AccountResult {
  /** The current billing period of every meter, and the last one where something was used. */
  readonly periods: readonly PeriodView[];
}

export interface AccountsView {
  readonly accounts: readonly AccountView[];
  /** null = these are the last. */
  readonly next: string | null;
}

/** Each account costs a few reads, and the page asks every second. */
const PAGE = 10;
const METER_NAMES = Object.keys(METERS) as DemoMeter[];

/** Accounts as the page shows them. */
export class AccountPages {
  readonly #usage: DemoUsage;
  readonly #stripe: Stripe;
  /** Stripe customer → where its months are anchored, which a subscription never changes by itself. */
  readonly #anchors = new Map<string, number>();

  constructor(usage: DemoUsage, stripe: Stripe) {
    this.#usage = usage;
    this.#stripe = stripe;
  }

  async page(after: string | null): Promise<AccountsView> {
    const { accounts, next } = await this.#usage.accounts.list({
      limit: PAGE,
      ...(after === null ? {} : { after }),
    });
    return { accounts: await Promise.all(accounts.map((account) => this.#view(account))), next };
  }

  /** The billing period that the accounts with a subscription are in; of several, the one that ends last. */
  async currentPeriod(): Promise<Period> {
    const { accounts } = await this.#usage.accounts.list({ limit: 1_000 });
    const linked = accounts.filter(({ stripe_customer }) => stripe_customer !== null).slice(0, PAGE);
    const asked = linked.length > 0 ? linked : accounts.slice(0, PAGE);
    const periods = await Promise.all(
      asked.map(async ({ account }) => {
        const { period_start, period_end } = await this.#usage.get({ account, meter: 'credits' });
        return { start: Date.parse(period_start), end: Date.parse(period_end) };
      }),
    );
    return periods.reduce((latest, period) => (period.end > latest.end ? period : latest));
  }

  async #view(account: AccountResult): Promise<AccountView> {
    const anchor = await this.#anchorOf(account);
    const periods = await Promise.all(METER_NAMES.map((meter) => this.#periodsOf(account, meter, anchor)));
    return { ...account, periods: periods.flat() };
  }

  async #periodsOf(account: AccountResult, meter: DemoMeter, anchor: number): Promise<PeriodView[]> {
    const current = await this.#usage.get({ account: account.account, meter });
    const start = Date.parse(current.period_start);
    if (start <= Date.parse(account.created_at)) return [viewOf(current, true)];
    const before = periodAt({ anchor, interval: 'month', interval_count: 1 }, start - 1);
    const last = await this.#usage.get({
      account: account.account,
      meter,
      period_start: formatInstant(before.start),
      period_end: formatInstant(before.end),
    });
    return last.reports.length === 0 ? [viewOf(current, true)] : [viewOf(current, true), viewOf(last, false)];
  }

  async #anchorOf({ stripe_customer, created_at }: AccountResult): Promise<number> {
    if (stripe_customer === null) return Date.parse(created_at);
    const known = this.#anchors.get(stripe_customer);
    if (known !== undefined) return known;
    const { data } = await this.#stripe.subscriptions.list({ customer: stripe_customer, limit: 1 });
    const [subscription] = data;
    if (!subscription) return Date.parse(created_at);
    const anchor = subscription.billing_cycle_anchor * SECOND_MS;
    this.#anchors.set(stripe_customer, anchor);
    return anchor;
  }
}

function viewOf(result: UsageResult, is_current: boolean): PeriodView {
  const { cost } = result;
  return {
    ...result,
    is_current,
    cost_text: cost && formatMoney(String(cost.amount), cost.currency),
    cost_lines: cost ? describeLines(cost) : [],
  };
}
