import type { Kysely } from 'kysely';
import type { UsageError } from '../core/errors.ts';
import type { Batching, Store, UsageReader } from '../core/store.ts';
import {
  createApiKey,
  getApiKey,
  getTokenRevocation,
  listAccessActions,
  listApiKeys,
  revokeApiKey,
  revokeTokens,
  rotateApiKey,
  touchApiKey,
} from './access.ts';
import { findAccount, getAccount, linkAccount, listAccounts, setAccount, setSyncDue } from './accounts.ts';
import { readAgenda } from './agenda.ts';

import { closeReports, listAccountsToClose } from './closing.ts';
import { acknowledgedUsage, decideReport, listDecisions } from './decisions.ts';

import { countReportsToDecide, getReport, listEvents, listReportsByStatus } from './explaining.ts';

import { acquireLease, releaseLease, setLastRun } from './leases.ts';
import { type Ledger, sumUsage } from './ledger.ts';
import { noteMeterErrors } from './meter-errors.ts';
import {
  countDueAccounts,
  listDueAccounts,
  listReports,
  listReportsWithUsage,
  listSlots,
  listUnfinishedReports,
} from './reading.ts';
import { recordUsage } from './recording.ts';
import { moveToCurrentPeriod, setSubscriptionItems } from './rehoming.ts';
import { changeReport, type Db } from './report-rows.ts';
import type { Database } from './schema.ts';
import {
  changeChange,
  completeChange,
  getChange,
  getLastChange,
  listDueChanges,
  requestChange,
} from './subscription-changes.ts';
import { listSubscriptions } from './subscriptions.ts';
import { addUnflushedBill, listUnflushedBills } from './unflushed-bills.ts';
import {
  changeWebhookEvent,
  listDueWebhookEvents,
  listSubscriptionEvents,
  listWebhookEvents,
  pruneWebhookEvents,
  receiveWebhookEvent,
  retryWebhookEvent,
  syncWebhookCustomers,
} from './webhook-events.ts';
import { sumUsageByWindow } from './windows.ts';
import type { WriteParams, WritePath } from './write-path.ts';

/** What an engine brings to the store. */
export interface Engine {
  readonly batching: Batching;
  /** The open database; opens it on first use, and again after it was lost. */
  connect(): Promise<Connected>;
  /** What the engine's driver threw, as the library's error. */
  toUsageError(error: unknown): UsageError;
  close(): Promise<void>;
}

export interface Connected {
  /** Where statements and transactions run that write. */
  readonly writer: Kysely<Database>;
  /** Where statements run that only read; they need not wait for writers. */
  readonly reader: Kysely<Database>;
  readonly writePath: WritePath;
  readonly ledger: Ledger;
  readonly recordInTransaction: Store['recordInTransaction'];
  readonly rollUp: Store['rollUp'];
  readonly listAccountsToRollUp: Store['listAccountsToRollUp'];
  readonly maintain: Store['maintain'];
}

/** The store on Kysely: one text for both engines. */
export function createKyselyStore(engine: Engine, environment: { uuid(): string }): Store {
  async function use<Result>(run: (connected: Connected) => Promise<Result>): Promise<Result> {
    try {
      return await run(await engine.connect());
    } catch (error) {
      throw engine.toUsageError(error);
    }
  }

  const read = <Result>(run: (db: Db, ledger: Ledger) => Promise<Result>) =>
    use(({ reader, ledger }) => run(reader, ledger));
  const transact = <Result>(run: (db: Db, ledger: Ledger) => Promise<Result>) =>
    use(({ writer, ledger }) => writer.transaction().execute((transaction) => run(transaction, ledger)));
  const recording = {
    writePath: { write: async (params: WriteParams) => (await engine.connect()).writePath.write(params) },
    transact,
    uuid: () => environment.uuid(),
    toUsageError: (error: unknown) => engine.toUsageError(error),
  };

  return {
    batching: engine.batching,
    recordInTransaction: (params) => use(({ recordInTransaction }) => recordInTransaction(params)),
    recordUsage: (params) => use(() => recordUsage(recording, params)),
    setAccount: (params) => transact((db) => setAccount(db, params)),
    linkAccount: (params) => transact((db) => linkAccount(db, params)),
    findAccount: ({ stripe_customer }) => read((db) => findAccount(db, stripe_customer)),
    listSubscriptions: ({ account_id }) => read((db) => listSubscriptions(db, account_id)),
    getAccount: ({ account_id }) => read((db) => getAccount(db, account_id)),
    listAccounts: (params) => read((db) => listAccounts(db, params)),
    setSyncDue: ({ account_id, sync_due_at }) => transact((db) => setSyncDue(db, account_id, sync_due_at)),
    setSubscriptionItems: (params) => transact((db, ledger) => setSubscriptionItems(db, ledger, params)),
    requestChange: async (params) => {
      await use(({ ledger }) => ledger.prepare(params.now));
      return await transact((db, ledger) => requestChange(db, ledger, params));
    },
    getChange: (key) => read((db) => getChange(db, key)),
    getLastChange: ({ account_id }) => read((db) => getLastChange(db, account_id)),
    listDueChanges: ({ now, limit }) => read((db) => listDueChanges(db, now, limit)),
    changeChange: (params) => transact((db) => changeChange(db, params)),
    completeChange: (params) => transact((db, ledger) => completeChange(db, ledger, params)),
    listReports: (params) => read((db, ledger) => listReports(db, ledger, params)),
    listReportsWithUsage: (params) =>
      read((db, ledger) => usageReader(db, ledger).listReportsWithUsage(params)),
    sumUsage: (params) => read((db, ledger) => usageReader(db, ledger).sumUsage(params)),
    sumUsageByWindow: (params) => read((db, ledger) => usageReader(db, ledger).sumUsageByWindow(params)),
    getReport: (params) => read((db) => getReport(db, params)),
    listEvents: (params) => read((db, ledger) => listEvents(db, ledger, params)),
    listDecisions: (params) => read((db) => listDecisions(db, params)),
    listReportsByStatus: (params) => read((db) => listReportsByStatus(db, params)),
    countReportsToDecide: () => read((db) => countReportsToDecide(db)),
    readAtOnce: (run) =>
      use(({ reader, ledger }) => {
        const transaction = reader.transaction().setIsolationLevel('repeatable read');
        return transaction.execute((db) => run(usageReader(db, ledger)));
      }),
    rollUp: (params) => use(({ rollUp }) => rollUp(params)),
    listAccountsToRollUp: (params) => use(({ listAccountsToRollUp }) => listAccountsToRollUp(params)),
    maintain: (params) =>
      use(async ({ writer, maintain }) => {
        await pruneWebhookEvents(writer, params.now);
        await maintain(params);
      }),
    closeReports: async (params) => {
      await use(({ ledger }) => ledger.prepare(params.now));
      return await transact((db, ledger) => closeReports(db, ledger, params));
    },
    listAccountsToClose: (params) => read((db) => listAccountsToClose(db, params)),
    readAgenda: ({ job }) => read((db) => readAgenda(db, job)),
    listDueAccounts: (params) => read((db) => listDueAccounts(db, params)),
    countDueAccounts: (params) => read((db) => countDueAccounts(db, params)),
    listUnfinishedReports: ({ account_id }) => read((db) => listUnfinishedReports(db, account_id)),
    listSlots: (params) => read((db) => listSlots(db, params)),
    changeReport: (params) => transact((db) => changeReport(db, params)),
    moveToCurrentPeriod: (params) => transact((db, ledger) => moveToCurrentPeriod(db, ledger, params)),
    acknowledgedUsage: (params) => read((db) => acknowledgedUsage(db, params)),
    decideReport: (params) => transact((db) => decideReport(db, params)),
    acquireLease: (params) => transact((db) => acquireLease(db, params)),
    releaseLease: ({ job, holder }) => transact((db) => releaseLease(db, job, holder)),
    setLastRun: ({ job, at }) => transact((db) => setLastRun(db, job, at)),
    receiveWebhookEvent: (params) => transact((db) => receiveWebhookEvent(db, params)),
    listDueWebhookEvents: ({ now, limit }) => read((db) => listDueWebhookEvents(db, now, limit)),
    syncWebhookCustomers: ({ events, now }) => transact((db) => syncWebhookCustomers(db, events, now)),
    changeWebhookEvent: (params) => transact((db) => changeWebhookEvent(db, params)),
    noteMeterErrors: (params) => transact((db) => noteMeterErrors(db, params)),
    listWebhookEvents: (params) => read((db) => listWebhookEvents(db, params)),
    listSubscriptionEvents: (params) => read((db) => listSubscriptionEvents(db, params)),
    retryWebhookEvent: ({ event_id, now }) => transact((db) => retryWebhookEvent(db, event_id, now)),
    createApiKey: (params) => transact((db) => createApiKey(db, params)),
    rotateApiKey: (params) => transact((db) => rotateApiKey(db, params)),
    revokeApiKey: (params) => transact((db) => revokeApiKey(db, params)),
    getApiKey: ({ api_key_id }) => read((db) => getApiKey(db, api_key_id)),
    listApiKeys: (params) => read((db) => listApiKeys(db, params)),
    touchApiKey: (params) => transact((db) => touchApiKey(db, params)),
    listAccessActions: (params) => read((db) => listAccessActions(db, params)),
    revokeTokens: (params) => transact((db) => revokeTokens(db, params)),
    getTokenRevocation: (params) => read((db) => getTokenRevocation(db, params)),
    listUnflushedBills: (scope) => read((db) => listUnflushedBills(db, scope)),
    addUnflushedBill: (bill) => transact((db) => addUnflushedBill(db, bill)),
    close: () => engine.close(),
  };
}

function usageReader(db: Db, ledger: Ledger): UsageReader {
  return {
    listReportsWithUsage: (params) => listReportsWithUsage(db, ledger, params),
    sumUsage: (params) => sumUsage(db, ledger, params),
    sumUsageByWindow: (params) => sumUsageByWindow(db, ledger, params),
    getReport: (params) => getReport(db, params),
    listEvents: (params) => listEvents(db, ledger, params),
    listDecisions: (params) => listDecisions(db, params),
  };
}
