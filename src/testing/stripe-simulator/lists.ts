import type { JsonObject } from './json.ts';
import { integer, optional, text } from './params.ts';
import { noSuch } from './stripe-error.ts';

const MAX_LIMIT = 100;
const DEFAULT_LIMIT = 10;

/** The parameters of every list (docs.stripe.com/api/pagination). */
export const LIST_PARAMS = {
  limit: optional(integer(1, MAX_LIMIT)),
  starting_after: optional(text()),
  ending_before: optional(text()),
};

/** One page as asked for. */
export interface PageParams {
  readonly limit: number | undefined;
  readonly starting_after: string | undefined;
  readonly ending_before: string | undefined;
}

/**
 * One page of a list.
 *
 * @param items all items of the list in its order, newest first where Stripe sorts by time.
 */
export function pageOf<T extends { readonly id: string }>(
  items: readonly T[],
  { limit = DEFAULT_LIMIT, starting_after, ending_before }: PageParams,
  url: string,
  view: (item: T) => JsonObject,
): JsonObject {
  const first = starting_after === undefined ? 0 : positionOf(items, starting_after, 'starting_after') + 1;
  const end = ending_before === undefined ? items.length : positionOf(items, ending_before, 'ending_before');
  const candidates = items.slice(first, end);
  const page = ending_before === undefined ? candidates.slice(0, limit) : candidates.slice(-limit);
  return { ...listOf(page.map(view), url), has_more: page.length < candidates.length };
}

/** A list that is complete. */
export function listOf(data: readonly JsonObject[], url: string): JsonObject {
  return { object: 'list', data, has_more: false, url };
}

function positionOf(items: readonly { readonly id: string }[], id: string, param: string): number {
  const position = items.findIndex((item) => item.id === id);
  if (position === -1) throw noSuch('object', id, param);
  return position;
}
