/** What becomes of a process at a labelled point, `<port>.<method>:before` or `:after`. */
export interface Fate {
  /** `crash`: nothing but the database is left of it. `stall`: it stands still until it is woken. */
  readonly kind: 'crash' | 'stall';
  /** Points that it passes before. */
  readonly points: number;
  /** Only points with such a label count. */
  readonly at: RegExp;
}

/** Instead of a call's result: the process is gone, or stands still. */
export const GONE = Symbol('gone');

/** Of a promise that the dead never hear of. */
export function never(): Promise<never> {
  return new Promise(() => {});
}
