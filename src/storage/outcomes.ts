import type { WriteOutcome } from './write-path.ts';

/** What a flush can have answered. */
export type FlushOutcome = Exclude<WriteOutcome, 'failed'>;

/** One letter per outcome: how a flush remembers what it answered. */
export const OUTCOME_LETTERS: Readonly<Record<FlushOutcome, string>> = {
  recorded: 'r',
  duplicate: 'd',
  conflict: 'c',
  no_report: 'n',
  full: 'f',
};
const OUTCOMES = new Map(
  Object.entries(OUTCOME_LETTERS).map(([outcome, letter]) => [letter, outcome as FlushOutcome]),
);

/** The outcomes of a flush in their short form; what is left out at its end was recorded. */
export function decodeOutcomes(letters: string, count: number): FlushOutcome[] {
  return Array.from({ length: count }, (_, index) => OUTCOMES.get(letters[index] ?? '') ?? 'recorded');
}

/** The smallest UUID version 7 of an instant: its first 48 bits are the milliseconds (RFC 9562, 5.7). */
export function firstUuidAt(instant: number): string {
  const hex = Math.max(0, instant).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}
