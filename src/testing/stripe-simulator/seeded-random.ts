/** A number from [0, 1) and the generator's next state. */
export interface RandomStep {
  readonly value: number;
  readonly state: number;
}

const INCREMENT = 0x9e3779b9;
const RANGE = 2 ** 32;

/**
 * The next number of a small generator whose whole state is one 32-bit integer, so that it can be saved and
 * continued exactly. Good enough to scatter lags; never use it where a secret is at stake.
 *
 * @param state a 32-bit unsigned integer: the seed, or the `state` of the step before.
 */
export function nextRandom(state: number): RandomStep {
  const next = (state + INCREMENT) >>> 0;
  let mixed = next;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  mixed ^= mixed >>> 15;
  return { value: (mixed >>> 0) / RANGE, state: next };
}
