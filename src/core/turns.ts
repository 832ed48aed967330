/** Lets everything that concerns one thing happen one after the other, in the order in which it was asked for. */
export class Turns {
  /** What the next one of a thing waits for; never rejects. */
  readonly #last = new Map<string, Promise<void>>();

  async take<Result>(thing: string, run: () => Promise<Result>): Promise<Result> {
    const result = (this.#last.get(thing) ?? Promise.resolve()).then(run);
    const ended = result.then(ignore, ignore).then(() => {
      if (this.#last.get(thing) === ended) this.#last.delete(thing);
    });
    this.#last.set(thing, ended);
    return await result;
  }
}

function ignore(): void {}
