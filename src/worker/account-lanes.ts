import type { CallLoad } from '../core/billing-provider.ts';

/** Accounts at the same time: at first and at least, and at most. */
const LEAST_WIDTH = 8;
const MAX_WIDTH = 256;

/**
 * Deals with accounts side by side, as many as keep Stripe as busy as the rate limit lets it be: more while most of them
 * wait for Stripe's answers and no call waits for its turn, fewer while calls queue up. Where the database is what takes
 * the time, it stays narrow, so that increments do not wait behind it.
 *
 * @param run must not reject.
 */
export async function forEachAccount(
  accounts: AsyncIterable<string>,
  load: () => CallLoad,
  run: (account_id: string) => Promise<void>,
): Promise<void> {
  let width = LEAST_WIDTH;
  let active = 0;
  let wake = () => {};
  const oneEnded = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  const runOne = async (account_id: string) => {
    active += 1;
    await run(account_id);
    active -= 1;
    width = adapted(width, load());
    wake();
  };
  try {
    for await (const account_id of accounts) {
      void runOne(account_id);
      while (active >= width) await oneEnded();
    }
  } finally {
    while (active > 0) await oneEnded();
  }
}

function adapted(width: number, { in_flight, waiting }: CallLoad): number {
  if (waiting > width / 2) return Math.max(LEAST_WIDTH, width - 1);
  if (waiting === 0 && in_flight >= width / 2) return Math.min(MAX_WIDTH, width + 1);
  return width;
}
