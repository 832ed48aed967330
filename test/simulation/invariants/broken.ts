/** The invariants of the protocol, by the numbers that ARCHITECTURE.md gives them; `answer` is what a call returned. */
export type InvariantName = `I${number}` | 'answer';

/** What must never happen has happened. */
export class InvariantBroken extends Error {
  override readonly name = 'InvariantBroken';

  constructor(invariant: InvariantName, what: string) {
    super(`${invariant}: ${what}`);
  }
}

/** @throws InvariantBroken unless the condition is true. */
export function must(
  condition: boolean,
  invariant: InvariantName,
  what: string | (() => string),
): asserts condition {
  if (!condition) throw new InvariantBroken(invariant, typeof what === 'string' ? what : what());
}

/** @throws InvariantBroken unless the two are the same. */
export function mustEqual(actual: unknown, expected: unknown, invariant: InvariantName, what: string): void {
  if (Object.is(actual, expected)) return;
  throw new InvariantBroken(
    invariant,
    `${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`,
  );
}
