import { Query } from './query.ts';

export interface QueryOptions<Data> {
  /** What is shown before the first answer, such as what the server has read while it rendered. */
  readonly initialData?: Data | undefined;
  /** It is not polled more often than this, in milliseconds, whatever the provider's `pollMs` is. Default: 0. */
  readonly minPollMs?: number;
}

/** How long is kept what nobody shows any more, for whoever comes back to it. */
const KEEP_UNUSED_MS = 5 * 60_000;

/** The queries of one provider: components that show the same thing read it once. */
export class Queries {
  readonly #pollMs: number;
  readonly #byKey = new Map<string, Query<unknown>>();

  constructor(poll_ms: number) {
    this.#pollMs = poll_ms;
  }

  /** @param key names what is read, so that one key is always one type. */
  get<Data>(
    key: string,
    load: (signal: AbortSignal) => Promise<Data>,
    { initialData, minPollMs = 0 }: QueryOptions<Data>,
  ): Query<Data> {
    const known = this.#byKey.get(key);
    if (known) return known as Query<Data>;
    this.#forgetUnused();
    const query = new Query(load, Math.max(this.#pollMs, minPollMs), initialData);
    this.#byKey.set(key, query as Query<unknown>);
    return query;
  }

  /** A key may hold the time of its making: then every one is new, and none is asked for again. */
  #forgetUnused(): void {
    const oldest = Date.now() - KEEP_UNUSED_MS;
    for (const [key, { unusedSince }] of this.#byKey) {
      if (unusedSince !== null && unusedSince < oldest) this.#byKey.delete(key);
    }
  }

  /** Reads everything again that is shown. */
  refresh(): void {
    for (const query of this.#byKey.values()) query.refresh();
  }
}
