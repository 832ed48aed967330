import { RequestError } from '../client/request-error.ts';

/** What is known of something that is read again and again. */
export interface QueryState<Data> {
  /** The latest answer; undefined = there was none yet. */
  readonly data: Data | undefined;
  /** Why the last reading failed; undefined = it did not. */
  readonly error: Error | undefined;
  /** When `data` was read, in milliseconds of the epoch, where the readings since have failed; undefined = it is fresh. */
  readonly staleSince: number | undefined;
}

const MAX_WAIT_MS = 5 * 60_000;
const NOTHING: QueryState<never> = { data: undefined, error: undefined, staleSince: undefined };

/**
 * One reading that is repeated for as long as somebody shows it: every `poll_ms`, more and more rarely while it fails, and
 * not while the page is hidden.
 */
export class Query<Data> {
  readonly #load: (signal: AbortSignal) => Promise<Data>;
  readonly #pollMs: number;
  readonly #listeners = new Set<() => void>();
  #state: QueryState<Data>;
  #text: string | undefined;
  #readAt = 0;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reading: AbortController | null = null;
  /** In milliseconds of the epoch; null = somebody shows it. */
  #unusedSince: number | null = Date.now();

  constructor(load: (signal: AbortSignal) => Promise<Data>, poll_ms: number, initial?: Data) {
    this.#load = load;
    this.#pollMs = poll_ms;
    this.#state = initial === undefined ? NOTHING : { ...NOTHING, data: initial };
    this.#text = initial === undefined ? undefined : JSON.stringify(initial);
  }

  get unusedSince(): number | null {
    return this.#unusedSince;
  }

  /** Never changes: a new state is a new object. */
  readonly getState = (): QueryState<Data> => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    if (this.#listeners.size === 0) this.#start();
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#stop();
    };
  };

  /** Reads at once, also what is being read already: that may have been answered before what is asked for happened. */
  readonly refresh = (): void => {
    if (this.#listeners.size === 0) return;
    void this.#read();
  };

  #start(): void {
    this.#unusedSince = null;
    document.addEventListener('visibilitychange', this.#whenSeen);
    addEventListener('online', this.#whenSeen);
    if (isSeen()) void this.#read();
  }

  #stop(): void {
    this.#unusedSince = Date.now();
    document.removeEventListener('visibilitychange', this.#whenSeen);
    removeEventListener('online', this.#whenSeen);
    clearTimeout(this.#timer);
    this.#reading?.abort();
    this.#reading = null;
  }

  readonly #whenSeen = (): void => {
    clearTimeout(this.#timer);
    if (isSeen()) void this.#read();
  };

  async #read(): Promise<void> {
    clearTimeout(this.#timer);
    this.#reading?.abort();
    const reading = new AbortController();
    this.#reading = reading;
    let error: unknown;
    let data: Data | undefined;
    try {
      data = await this.#load(reading.signal);
    } catch (cause) {
      error = cause;
    }
    if (this.#reading !== reading) return; // a later reading, or nobody, waits for it
    this.#reading = null;
    if (data === undefined) this.#fail(error);
    else this.#succeed(data);
    if (isSeen()) this.#timer = setTimeout(() => void this.#read(), this.#waitMs());
  }

  /** Equal answers are the same object, so that nothing is drawn anew. */
  #succeed(data: Data): void {
    const text = JSON.stringify(data);
    this.#failures = 0;
    this.#readAt = Date.now();
    if (text === this.#text && this.#state.error === undefined) return;
    const same = text === this.#text ? this.#state.data : undefined;
    this.#text = text;
    this.#become({ ...NOTHING, data: same ?? data });
  }

  #fail(cause: unknown): void {
    this.#failures += 1;
    const error = cause instanceof Error ? cause : new Error('Nothing was answered.', { cause });
    const { data } = this.#state;
    this.#become({ data, error, staleSince: data === undefined ? undefined : this.#readAt || Date.now() });
  }

  #become(state: QueryState<Data>): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }

  #waitMs(): number {
    const { error } = this.#state;
    const asked = error instanceof RequestError ? (error.retry_after_ms ?? 0) : 0;
    return Math.max(asked, Math.min(MAX_WAIT_MS, this.#pollMs * 2 ** this.#failures));
  }
}

function isSeen(): boolean {
  return document.visibilityState !== 'hidden';
}
