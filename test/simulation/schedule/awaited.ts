import type { Action } from './action.ts';

/**
 * Actions that schedules draw and do not carry out yet, with what the product lacks for them. Drawing them all the same
 * keeps the other actions of a seed where they are.
 */
export const AWAITED: ReadonlyMap<Action['kind'], string> = new Map();
