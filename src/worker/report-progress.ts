import type { Environment, Instant } from '../core/environment.ts';
import { SECOND_MS } from '../core/instant.ts';

/** How far a run of the report job has come with sending. */
export interface ReportProgress {
  /** Accounts that were dealt with. */
  readonly done: number;
  /** Accounts that were due when the run began. */
  readonly of: number;
  /** Accounts a second, since the run began. */
  readonly per_second: number;
  /** Seconds until the end at this rate; null = not known yet. */
  readonly seconds_left: number | null;
}

const TOLD_EVERY_MS = 10 * SECOND_MS;

/** Counts the accounts of one run, and tells of it now and then: short runs pass in silence. */
export class ProgressTeller {
  readonly #environment: Pick<Environment, 'clock' | 'logger'>;
  readonly #onProgress: (progress: ReportProgress) => void;
  readonly #of: number;
  readonly #startedAt: Instant;
  #toldAt: Instant;
  #done = 0;

  constructor(
    environment: Pick<Environment, 'clock' | 'logger'>,
    onProgress: (progress: ReportProgress) => void,
    of: number,
  ) {
    this.#environment = environment;
    this.#onProgress = onProgress;
    this.#of = of;
    this.#startedAt = environment.clock.now();
    this.#toldAt = this.#startedAt;
  }

  accountDone(): void {
    this.#done += 1;
    const now = this.#environment.clock.now();
    if (now - this.#toldAt < TOLD_EVERY_MS) return;
    this.#toldAt = now;
    const per_second = (this.#done * SECOND_MS) / (now - this.#startedAt);
    const left = Math.max(0, this.#of - this.#done);
    const progress = {
      done: this.#done,
      of: Math.max(this.#of, this.#done), // more can have become due meanwhile
      per_second: Math.round(per_second * 10) / 10,
      seconds_left: per_second > 0 ? Math.ceil(left / per_second) : null,
    };
    this.#environment.logger.info(progress, 'Reports are being sent');
    this.#onProgress(progress);
  }
}
