import type { Clock, Instant } from '../../core/environment.ts';

/** Shorter than a second, within which a revocation takes effect. */
const FRESH_MS = 900;
const MAX_ENTRIES = 10_000;

interface Entry<Value> {
  readonly read_at: Instant;
  readonly value: Promise<Value>;
}

/** Remembers for less than a second what was read from the database, so that it is not asked at every request. */
export class Recent<Value> {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry<Value>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Reads at most once at a time and name; a failure is not remembered. */
  async get(name: string, read: () => Promise<Value>): Promise<Value> {
    const now = this.#clock.now();
    const known = this.#entries.get(name);
    // A clock that was put back would keep an entry alive.
    if (known && now >= known.read_at && now - known.read_at < FRESH_MS) return await known.value;
    const entry = { read_at: now, value: read() };
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    this.#forgetOldest();
    try {
      return await entry.value;
    } catch (error) {
      if (this.#entries.get(name) === entry) this.#entries.delete(name);
      throw error;
    }
  }

  forget(name: string): void {
    this.#entries.delete(name);
  }

  /** Entries stand in the order in which they were read. */
  #forgetOldest(): void {
    if (this.#entries.size <= MAX_ENTRIES) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}
