import { Worker } from 'node:worker_threads';
import { createUsage } from '../../src/index.ts';
import { uuidVersion7 } from '../../src/system-environment.ts';
import { createBaseline, openBaseline, totalOf } from './baseline.ts';
import type { ThreadAnswer } from './baseline-thread.ts';
import { createFloor } from './floor.ts';

/** One way to count usage, on a database file of its own. */
export interface Contender {
  /** Adds one to the account's quantity; durable when it resolves. */
  increment(account: string): Promise<unknown>;
  close(): Promise<void>;
  /** What the file says after `close`, over all accounts. */
  total(): number;
}

export const CONTENDERS = {
  /** What the original does, on this thread. */
  baseline_main: createMainThreadBaseline,
  /** The same statement in a worker thread, which leaves this thread's event loop alone as ours does. */
  baseline_worker: createWorkerBaseline,
  unkeyed: (path: string, accounts: readonly string[]) => createOurs(path, accounts, { keyed: false }),
  keyed: (path: string, accounts: readonly string[]) => createOurs(path, accounts, { keyed: true }),
  /** The least that a ledger and a disk of a thread's own cost a lone call. */
  floor: createFloor,
} as const;

export type ContenderName = keyof typeof CONTENDERS;

async function createMainThreadBaseline(path: string, accounts: readonly string[]): Promise<Contender> {
  createBaseline(path, accounts);
  const { database, update } = openBaseline(path);
  return {
    // In a turn of the event loop of its own, as the requests of an app are.
    increment: (account) =>
      new Promise((resolve, reject) => {
        setImmediate(() => {
          try {
            resolve(update.run(1, account));
          } catch (error) {
            reject(error);
          }
        });
      }),
    close: async () => database.close(),
    total: () => totalOf(path),
  };
}

async function createWorkerBaseline(path: string, accounts: readonly string[]): Promise<Contender> {
  createBaseline(path, accounts);
  const worker = new Worker(new URL('./baseline-thread.ts', import.meta.url), { workerData: path });
  const waiting = new Map<number, PromiseWithResolvers<void>>();
  let lastId = 0;
  worker.on('message', ({ id, error }: ThreadAnswer) => {
    if (error === null) waiting.get(id)?.resolve();
    else waiting.get(id)?.reject(new Error(error));
    waiting.delete(id);
  });
  return {
    increment: (account) => {
      const caller = Promise.withResolvers<void>();
      lastId += 1;
      waiting.set(lastId, caller);
      worker.postMessage({ id: lastId, account });
      return caller.promise;
    },
    close: async () => {
      await worker.terminate();
    },
    total: () => totalOf(path),
  };
}

async function createOurs(
  path: string,
  accounts: readonly string[],
  { keyed }: { readonly keyed: boolean },
): Promise<Contender> {
  const usage = createUsage({ database: { path }, meters: { credits: {} } });
  // Opens every account before the clock starts, as the baselines do.
  await Promise.all(accounts.map((account) => usage.increment({ account })));
  return {
    increment: keyed
      ? (account) => usage.increment({ account, idempotency_key: uuidVersion7(Date.now()) })
      : (account) => usage.increment({ account }),
    close: () => usage.close(),
    total: () => totalOf(path) - accounts.length,
  };
}
