import type { Action } from './action.ts';

/**
 * Actions that schedules draw and do not carry out yet, with what the product lacks for them. Drawing them all the same
 * keeps the other actions of a seed where they are.
 */
export const AWAITED: ReadonlyMap<Action['kind'], string> = new Map([
  ['restore', 'Totals are not compared after a start, so that usage of an older backup is counted again.'],
  ['foreign', 'Another writer is noticed only where a slot is read.'],
  ['reject_async', 'Nothing is verified after Stripe has accepted it.'],
  ['delete_customer', 'Nothing is verified after Stripe has accepted it.'],
]);
