/**
 * Orders the users of one connection: a transaction of several statements has it alone, batches of usage may follow
 * each other closely. First come, first served, so that neither starves.
 */
export class Gate {
  #lastAlone: Promise<void> = Promise.resolve();
  readonly #sharing = new Set<Promise<unknown>>();

  /** Waits until nobody else uses the connection; the caller must call the release it gets. */
  async enterAlone(): Promise<() => void> {
    const before = Promise.allSettled([this.#lastAlone, ...this.#sharing]);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lastAlone = promise;
    await before;
    return resolve;
  }

  /** Runs next to other shared users, after whoever entered alone before. */
  async share<Result>(use: () => Promise<Result>): Promise<Result> {
    const result = this.#lastAlone.then(use);
    this.#sharing.add(result);
    try {
      return await result;
    } finally {
      this.#sharing.delete(result);
    }
  }
}
