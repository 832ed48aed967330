import { Worker } from 'node:worker_threads';
import { createBaseline, totalOf } from './baseline.ts';
import type { Contender } from './contenders.ts';

/** A commit with a ledger row and the id of the commit in it, two wakings of a thread, and nothing else. */
export async function createFloor(path: string, accounts: readonly string[]): Promise<Contender> {
  createBaseline(path, accounts);
  const doorbell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const worker = new Worker(new URL('./floor-thread.ts', import.meta.url), {
    workerData: { path, doorbell },
  });
  let caller: PromiseWithResolvers<void> | null = null;
  worker.on('message', () => caller?.resolve());
  worker.on('error', (error) => caller?.reject(error));
  return {
    increment: (account) => {
      caller = Promise.withResolvers();
      worker.postMessage(account);
      Atomics.add(doorbell, 0, 1);
      Atomics.notify(doorbell, 0);
      return caller.promise;
    },
    close: async () => {
      await worker.terminate();
    },
    total: () => totalOf(path),
  };
}
