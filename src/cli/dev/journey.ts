import type { Instant } from '../../core/environment.ts';
import { passTime } from '../../testing/pass-time.ts';
import type { DevClock } from './dev-clock.ts';

/** What a journey moves: the clock, and everything that lives by it. */
export type Traveller = Omit<Parameters<typeof passTime>[0], 'clock' | 'to'> & { readonly clock: DevClock };

/** A move of the clock that is under way. */
export interface JourneyProgress {
  readonly from: Instant;
  readonly to: Instant;
}

class JourneyStopped extends Error {}

/** Moves the clock forward, one journey at a time, through everything that is due on the way. */
export class Journey {
  readonly #traveller: Traveller;
  #underWay: (JourneyProgress & { readonly ended: Promise<void> }) | null = null;
  #isStopped = false;

  constructor(traveller: Traveller) {
    this.#traveller = traveller;
  }

  /** null = the clock is not being moved. */
  get progress(): JourneyProgress | null {
    return this.#underWay;
  }

  /**
   * Resolves on arrival, or when it is stopped on the way; null = another journey is under way.
   * Rejects with what the report job or the simulator failed with.
   */
  start(to: Instant): Promise<void> | null {
    if (this.#underWay || this.#isStopped) return null;
    const ended = this.#travel(to).finally(() => {
      this.#underWay = null;
    });
    this.#underWay = { from: this.#traveller.clock.now(), to, ended };
    return ended;
  }

  /** Stops at the next step; the clock stays where it is. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#underWay?.ended.catch(() => {});
  }

  async #travel(to: Instant): Promise<void> {
    const { clock, simulator, worker } = this.#traveller;
    const stoppable = {
      ...clock,
      moveTo: (instant: Instant) => {
        if (this.#isStopped) throw new JourneyStopped();
        clock.moveTo(instant);
      },
    };
    try {
      await passTime({ clock: stoppable, simulator, worker, to });
    } catch (error) {
      if (!(error instanceof JourneyStopped)) throw error;
    }
  }
}
