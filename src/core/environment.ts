/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number;

/** Everything that makes a run differ from the one before: injected, so that a test can repeat it. */
export interface Environment {
  readonly clock: Clock;
  readonly logger: Logger;
  /** A new UUID version 7 (RFC 9562): unique everywhere, ascending in time. */
  uuid(): string;
  /** A number from [0, 1), for jitter. */
  random(): number;
  /** SHA-256 of the text's UTF-8 bytes, in lower-case hexadecimal. */
  digest(text: string): string;
}

/** The time, and waiting for it. */
export interface Clock {
  now(): Instant;
  /**
   * Milliseconds since some instant, which go on evenly when the machine's clock is set. Default: `now()`, for a clock
   * that only a test moves.
   */
  monotonic?(): number;
  /**
   * Resolves after `ms` on this clock, or at once, without error, when the signal aborts. A wait that has a signal does
   * not keep the process alive.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Where the library tells what it does; the same shape as pino's methods. `fields` never hold secrets. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
