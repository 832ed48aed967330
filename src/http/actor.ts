import type { Caller } from './access/caller.ts';

/** Who decided something, for the audit: the key always, and the person where the request names one. */
export function actorOf({ id }: Caller, named: string | undefined): string {
  return named === undefined ? id : `${named} (${id})`;
}
