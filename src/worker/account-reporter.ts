import type { Account } from '../core/account.ts';
import { accountSync } from '../core/account-sync.ts';
import type { Instant } from '../core/environment.ts';
import { HOUR_MS } from '../core/instant.ts';
import type { AccountWithItems } from '../core/store.ts';
import { isSent, type UsageReport } from '../core/usage-report.ts';
import { DraftInvoices } from './draft-invoices.ts';
import { findEndings } from './item-endings.ts';
import { type JudgingStripe, ReportJudge } from './report-judge.ts';
import { ReportOutcomes } from './report-outcomes.ts';
import { ReportSender } from './report-sender.ts';
import type { ReportCounts, ReporterContext } from './reporter-context.ts';
import { TotalCheck } from './total-check.ts';
import { Verifier } from './verifier.ts';

interface StripeSide extends JudgingStripe {
  readonly verifier: Verifier;
}

interface AccountInSync {
  /** null = Stripe does not tell what bills it, and nothing can be judged now. */
  readonly account: AccountWithItems | null;
  /** Those that are not at their end. */
  readonly reports: readonly UsageReport[];
}

/** Brings the sealed reports of one account to Stripe, one after the other, and proves that they are there. */
export class AccountReporter {
  readonly #context: ReporterContext;
  readonly #outcomes: ReportOutcomes;
  readonly #judge: ReportJudge;
  /** null = Stripe is not configured. */
  readonly #stripe: StripeSide | null;

  constructor(context: ReporterContext) {
    const { provider } = context;
    this.#context = context;
    this.#outcomes = new ReportOutcomes(context);
    this.#stripe = provider && {
      sender: new ReportSender(context, provider, this.#outcomes),
      verifier: new Verifier(context, provider, this.#outcomes),
      totals: new TotalCheck(context, provider),
      drafts: new DraftInvoices(context, provider),
    };
    this.#judge = new ReportJudge(context, this.#outcomes, this.#stripe);
  }

  /** @param urgent whether Stripe's count is read now: a change of the subscription waits for it. */
  async report(account_id: string, counts: ReportCounts, urgent = false): Promise<void> {
    const { account, reports } = await this.#inSync(account_id, counts);
    const due = reports.filter((report) => this.#isDue(report) && report.status !== 'reported');
    for (const report of due) {
      if (isSent(report)) counts[await this.#resume(report)] += 1;
      else if (account) counts[await this.#judge.judge(report, account)] += 1;
    }
    if (!this.#stripe) return;
    const sent = due.length === 0 ? reports : await this.#unfinished(account_id);
    const accepted = sent.filter(({ status }) => status === 'reported');
    await this.#stripe.verifier.verify(accepted, counts, urgent);
    if (!account) return;
    const unfinished = accepted.length === 0 ? sent : await this.#unfinished(account_id);
    await this.#stripe.drafts.keepOpen(unfinished, account);
  }

  async #unfinished(account_id: string): Promise<readonly UsageReport[]> {
    return await this.#context.store.listUnfinishedReports({ account_id });
  }

  #isDue({ due_at }: UsageReport): boolean {
    return due_at !== null && due_at <= this.#now();
  }

  #now(): Instant {
    return this.#context.environment.clock.now();
  }

  async #resume(report: UsageReport) {
    if (this.#stripe) return await this.#stripe.sender.resume(report);
    const last_error = 'Stripe is not configured.';
    return await this.#outcomes.waitUntil(report, this.#now() + HOUR_MS, { last_error });
  }

  /** The account with what Stripe bills it by, read after its reports were sealed. */
  async #inSync(account_id: string, counts: ReportCounts): Promise<AccountInSync> {
    const { store, provider } = this.#context;
    const account = await store.getAccount({ account_id });
    const reports = await this.#unfinished(account_id);
    if (!account) return { account, reports };
    const { stripe_customer } = account.account;
    if (stripe_customer === null || !this.#isStale(account.account, reports)) return { account, reports };
    const now = this.#now();
    if (!provider) {
      await store.setSyncDue({ account_id, sync_due_at: now + HOUR_MS });
      return { account, reports };
    }
    const read = await provider.listSubscriptionItems({ stripe_customer });
    if (read.outcome === 'read') {
      const { plans } = this.#context;
      const endings = await findEndings({ store, provider }, account, read.items);
      const sync = accountSync({ account_id, stripe_customer, read, plans, now });
      const { synced_at, sync_due_at } = account.account;
      await store.setSubscriptionItems({ ...sync, endings, seen: { synced_at, sync_due_at } });
    } else {
      await store.setSyncDue({ account_id, sync_due_at: now + HOUR_MS });
      for (const report of reports) {
        if (this.#isToBeJudged(report)) counts[await this.#outcomes.awaitCustomer(report, read)] += 1;
      }
    }
    return {
      account: read.outcome === 'read' ? await store.getAccount({ account_id }) : null,
      reports: await this.#unfinished(account_id),
    };
  }

  /**
   * Whether subscriptions must be read before the account's reports are judged: they were when a report was due, and since
   * all that it holds was used. A worker that stands still for days while it seals makes reports due as of before that.
   */
  #isStale({ synced_at, sync_due_at }: Account, reports: readonly UsageReport[]): boolean {
    if (sync_due_at !== null && sync_due_at <= this.#now()) return true;
    const isSince = ({ due_at, last_occurred_at }: UsageReport) =>
      synced_at === null || Math.max(due_at ?? 0, last_occurred_at ?? 0) > synced_at;
    return reports.some((report) => this.#isToBeJudged(report) && isSince(report));
  }

  /** Whether it is to be decided now if, and by what, a report is billed. */
  #isToBeJudged(report: UsageReport): boolean {
    return !isSent(report) && this.#isDue(report);
  }
}
