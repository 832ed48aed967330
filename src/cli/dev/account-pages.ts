import type { Period } from '../../core/billing-period.ts';
import { formatInstant } from '../../core/instant.ts';
import { describeLines, formatMoney } from '../../core/money.ts';
import { MAX_AGE_MS } from '../../core/usage-event.ts';
import type { AccountResult } from '../../methods/accounts.ts';
import type { ReconciliationLine } from '../../query/reconciliation-result.ts';
import type { ListedReport } from '../../query/report-list.ts';
import type { UsageResult } from '../../query/usage-result.ts';
import { type DemoMeter, type DemoUsage, METERS } from './demo.ts';

type Counted =
  | 'meter'
  | 'period_start'
  | 'period_end'
  | 'quantity'
  | 'reported_quantity'
  | 'pending_quantity';

/** What one account used of one meter in one billing period. */
export interface PeriodView extends Pick<UsageResult, Counted | 'reports'> {
  readonly is_current: boolean;
  /** What it costs so far, or what was invoiced; null = neither is known, or there is nothing to bill. */
  readonly cost_text: string | null;
  /** What `cost_text` is, or why there is none. */
  readonly cost_state: 'so far' | 'invoiced' | 'free' | 'no price yet' | 'not billed' | 'not invoiced yet';
  /** How the cost so far comes about. */
  readonly cost_lines: readonly string[];
}

export interface AccountView extends AccountResult {
  /** The current billing period of every meter, and the ones before in which something was used: as old as usage may be. */
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
/** All but the voided, which never had any usage. */
const SHOWN_REPORTS = ['failed', 'held', 'sending', 'closed', 'open', 'reported', 'not_billable'] as const;
const MAX_REPORTS = 1_000;

/** Accounts as the page shows them. */
export class AccountPages {
  readonly #usage: DemoUsage;

  constructor(usage: DemoUsage) {
    this.#usage = usage;
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
    const name = account.account;
    const current = await Promise.all(METER_NAMES.map((meter) => this.#usage.get({ account: name, meter })));
    const ended = await this.#endedOf(name, current);
    const periods = current.flatMap((period) => [
      currentView(account, period),
      ...ended.filter(({ meter }) => meter === period.meter),
    ]);
    return { ...account, periods };
  }

  /** Newest first: the periods that Stripe billed, wherever a change of the subscription has cut them. */
  async #endedOf(account: string, current: readonly UsageResult[]): Promise<PeriodView[]> {
    const starts = new Map(current.map(({ meter, period_start }) => [meter, Date.parse(period_start)]));
    const latest = Math.max(...starts.values());
    const period = {
      period_start: formatInstant(latest - MAX_AGE_MS),
      period_end: formatInstant(latest),
    };
    const [{ lines }, { reports }] = await Promise.all([
      this.#usage.reconcile({ account, period }),
      this.#usage.reports.list({ account, status: SHOWN_REPORTS, limit: MAX_REPORTS }),
    ]);
    return lines
      .filter(({ meter, period_end }) => Date.parse(period_end) <= (starts.get(meter) ?? latest))
      .map((line) =>
        endedView(
          line,
          reports.filter((report) => isOf(report, line)),
        ),
      )
      .filter((view) => view.reports.length > 0)
      .reverse();
  }
}

/** Whatever a report counts, late usage included, is billed in the period of the report. */
function isOf(report: ListedReport, { meter, period_start, period_end }: ReconciliationLine): boolean {
  const start = Date.parse(report.billing_period_start);
  return report.meter === meter && start >= Date.parse(period_start) && start < Date.parse(period_end);
}

function currentView({ plan }: AccountResult, period: UsageResult): PeriodView {
  const { cost } = period;
  if (!cost) {
    const cost_state = plan === 'free' ? 'free' : 'no price yet';
    return { ...period, is_current: true, cost_text: null, cost_state, cost_lines: [] };
  }
  return {
    ...period,
    is_current: true,
    cost_text: formatMoney(String(cost.amount), cost.currency),
    cost_state: 'so far',
    cost_lines: describeLines(cost),
  };
}

function endedView(line: ReconciliationLine, reports: readonly ListedReport[]): PeriodView {
  const { meter, period_start, period_end, counted_here, reported, invoiced_amount, currency } = line;
  const pending = reports.filter((report) => !report.reported && report.status !== 'not_billable');
  const isInvoiced = invoiced_amount !== null && currency !== null;
  const isUnbilled = reports.every(({ status }) => status === 'not_billable');
  return {
    meter,
    period_start,
    period_end,
    quantity: counted_here,
    reported_quantity: reported,
    pending_quantity: pending.reduce((sum, { quantity }) => sum + quantity, 0),
    reports: reports.toSorted((a, b) => a.report_id - b.report_id),
    is_current: false,
    cost_text: isInvoiced ? formatMoney(String(invoiced_amount), currency) : null,
    cost_state: isInvoiced ? 'invoiced' : isUnbilled ? 'not billed' : 'not invoiced yet',
    cost_lines: [],
  };
}
