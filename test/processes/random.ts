import { nextRandom } from '../../src/testing/stripe-simulator/seeded-random.ts';

/** Numbers from [0, 1) that are the same for the same seed. */
export function createRandom(seed: number): () => number {
  let { state } = nextRandom(seed);
  return () => {
    const step = nextRandom(state);
    state = step.state;
    return step.value;
  };
}
