import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Random } from '../random.ts';

/**
 * Lets one port call at a time through, of all processes together. Where they race, the seed picks who is next:
 * that is the order at the labelled points, the same on every engine.
 */
export class Turns {
  readonly #random: Random;
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;
  #isPicking = false;
  #released = Promise.withResolvers<void>();
  /** Whether processes work at the same time; otherwise calls go through in the order in which they come. */
  isRacing = false;

  constructor(random: Random) {
    this.#random = random;
  }

  async take<Result>(run: () => Promise<Result>): Promise<Result> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    this.#dispatch();
    await promise;
    try {
      return await run();
    } finally {
      this.#isTaken = false;
      this.#released.resolve();
      this.#released = Promise.withResolvers();
      this.#dispatch();
    }
  }

  /** Resolves when nobody has a turn or waits for one: whoever is not done then sleeps, or is stalled. */
  async quiet(): Promise<void> {
    for (;;) {
      await nextTurn();
      if (this.#isTaken) await this.#released.promise;
      else if (this.#waiting.length === 0 && !this.#isPicking) return;
    }
  }

  #dispatch(): void {
    if (this.#isTaken || this.#isPicking || this.#waiting.length === 0) return;
    if (!this.isRacing) {
      this.#admit(0);
      return;
    }
    // Everyone who is on the way arrives first.
    this.#isPicking = true;
    setImmediate(() => {
      this.#isPicking = false;
      if (!this.#isTaken) this.#admit(this.#random.integer(0, this.#waiting.length - 1));
    });
  }

  #admit(index: number): void {
    const [admit] = this.#waiting.splice(index, 1);
    if (!admit) return;
    this.#isTaken = true;
    admit();
  }
}
