import type { Clock } from '../core/environment.ts';
import { SECOND_MS } from '../core/instant.ts';
import type { HttpService } from './service.ts';

const WITHIN_MS = 2 * SECOND_MS;

/** Whether the database answers. Whoever asks while it is being asked gets the same answer: anybody may ask this. */
export class Readiness {
  readonly #service: Pick<HttpService, 'ping'>;
  readonly #clock: Clock;
  /** null = it is not being asked. */
  #asking: Promise<boolean> | null = null;

  constructor(service: Pick<HttpService, 'ping'>, clock: Clock) {
    this.#service = service;
    this.#clock = clock;
  }

  /** Whether it answers within two seconds. */
  ask(): Promise<boolean> {
    this.#asking ??= this.#ping().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ping(): Promise<boolean> {
    const waiting = new AbortController();
    const late = this.#clock.sleep(WITHIN_MS, waiting.signal).then(() => false);
    const ready = this.#service.ping().then(
      () => true,
      () => false,
    );
    const is_ready = await Promise.race([ready, late]);
    waiting.abort();
    return is_ready;
  }
}
