/** Something that a check found. */
export interface Finding {
  /** `error`: money can be lost or billed wrongly, or nothing works. `warning`: look at it. `ok`: as it should be. */
  readonly severity: 'error' | 'warning' | 'ok';
  /** Which check it comes from, as a stable word: `meter_formula`. */
  readonly check: string;
  /** What it is about: `meters.credits`, `price_…`, an account's id. */
  readonly where: string;
  readonly what: string;
  /** What to do about it; null = nothing is to be done. */
  readonly remedy: string | null;
}

/** Those to look at first come first; otherwise in the order of the checks. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => RANKS[a.severity] - RANKS[b.severity]);
}

const RANKS = { error: 0, warning: 1, ok: 2 } as const;
