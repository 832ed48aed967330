import { nextRandom } from '../../src/testing/stripe-simulator/seeded-random.ts';

/** Everything that a schedule leaves to chance is drawn from one of these, so that its seed repeats it. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = nextRandom(seed >>> 0).state;
  }

  /** From [0, 1). */
  next(): number {
    const step = nextRandom(this.#state);
    this.#state = step.state;
    return step.value;
  }

  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Value>(values: readonly [Value, ...Value[]]): Value {
    return values[this.integer(0, values.length - 1)] ?? values[0];
  }

  /** One of several, as often as its weight says. */
  weighted<Value>(choices: readonly (readonly [weight: number, value: Value])[]): Value {
    const total = choices.reduce((sum, [weight]) => sum + weight, 0);
    let rest = this.next() * total;
    for (const [weight, value] of choices) {
      rest -= weight;
      if (rest < 0) return value;
    }
    throw new Error('There is nothing to choose from.');
  }

  /** A generator of its own, so that what one part draws does not depend on how much another part has drawn. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 2 ** 32));
  }
}
