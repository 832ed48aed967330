/** Bounds how much is under way at once: the reader of a file waits for the database instead of filling memory. */
export class InFlight {
  readonly #limit: number;
  #count = 0;
  #whenLess: PromiseWithResolvers<void> | null = null;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Runs the task once there is room for it; resolves when it has begun. Tasks do not reject. */
  async run(task: () => Promise<void>): Promise<void> {
    while (this.#count >= this.#limit) await this.#less();
    this.#count += 1;
    void task().finally(() => {
      this.#count -= 1;
      this.#whenLess?.resolve();
      this.#whenLess = null;
    });
  }

  /** Resolves when nothing is under way. */
  async drained(): Promise<void> {
    while (this.#count > 0) await this.#less();
  }

  #less(): Promise<void> {
    this.#whenLess ??= Promise.withResolvers();
    return this.#whenLess.promise;
  }
}
