import { parentPort, workerData } from 'node:worker_threads';
import { openBaseline } from './baseline.ts';

export interface ThreadAnswer {
  readonly id: number;
  /** null = done. */
  readonly error: string | null;
}

const { update } = openBaseline(String(workerData));

parentPort?.on('message', ({ id, account }: { readonly id: number; readonly account: string }) => {
  parentPort?.postMessage({ id, error: attempt(account) } satisfies ThreadAnswer);
});

function attempt(account: string): string | null {
  try {
    update.run(1, account);
    return null;
  } catch (error) {
    return String(error);
  }
}
