import type { IncrementParams } from '../../src/index.ts';
import { nextRandom } from '../../src/testing/stripe-simulator/seeded-random.ts';

/** A day passes in half a second, so that billing periods end as well. */
export const CLOCK_SPEED = 200_000;

/** `plain`: unkeyed calls that may share an event. `traced`: unkeyed, with an event of its own that shows its id. */
export type CrashCallKind = 'plain' | 'traced' | 'keyed';

export interface CrashCall {
  readonly kind: CrashCallKind;
  readonly id: string;
  readonly params: IncrementParams<'credits'> & { readonly account: string; readonly quantity: number };
}

export interface CallPosition {
  readonly seed: number;
  /** How often the writer was started before, from 1. */
  readonly life: number;
  /** The clock when this life began. */
  readonly start: number;
  readonly caller: number;
  readonly index: number;
}

const ACCOUNTS = 5;
const KINDS: readonly CrashCallKind[] = ['plain', 'traced', 'keyed', 'keyed'];
const DAY_MS = 86_400_000;

/** The call at a position: always the same one, so that a later life can repeat it. */
export function callOf({ seed, life, start, caller, index }: CallPosition): CrashCall {
  let { state } = nextRandom(seed * 1_000_003 + life * 10_007 + caller * 101 + index);
  const pick = (count: number) => {
    const step = nextRandom(state);
    state = step.state;
    return Math.floor(step.value * count);
  };
  const id = `${life}.${caller}.${index}`;
  const kind = KINDS[pick(KINDS.length)] ?? 'plain';
  const common = { account: `acct_${pick(ACCOUNTS)}`, quantity: 1 + pick(100) };
  const timestamp = pick(2) === 0 ? {} : { timestamp: new Date(start - pick(10 * DAY_MS)) };
  if (kind === 'plain') return { kind, id, params: common };
  if (kind === 'traced') return { kind, id, params: { ...common, ...timestamp, properties: { id } } };
  return { kind, id, params: { ...common, ...timestamp, idempotency_key: id } };
}
