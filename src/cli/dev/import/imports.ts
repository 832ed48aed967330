import type { Readable } from 'node:stream';
import type { Instant } from '../../../core/environment.ts';
import type { DemoUsage } from '../demo.ts';
import type { DevClock } from '../dev-clock.ts';
import { Placements } from './placements.ts';
import { EmptyFileError } from './usage-file-error.ts';
import { type ImportState, UsageImport } from './usage-import.ts';

export interface ImportsOptions {
  readonly usage: DemoUsage;
  readonly clock: DevClock;
  readonly directory: string;
  /** Where the current billing period begins. */
  readonly currentPeriodStart: () => Promise<Instant>;
}

const MAX_SHOWN = 20;

/** The imports of this process, under way and done. */
export class Imports {
  readonly #options: ImportsOptions;
  readonly #placements: Placements;
  readonly #stopping = new AbortController();
  readonly #underWay = new Set<Promise<ImportState>>();
  #shown: UsageImport[] = [];

  constructor(options: ImportsOptions) {
    this.#options = options;
    this.#placements = new Placements(options.directory);
  }

  /** The latest imports that brought anything, newest first. */
  get states(): readonly ImportState[] {
    return this.#shown.map((shown) => shown.state).filter(({ rows, error }) => rows > 0 || error !== null);
  }

  /**
   * Counts a file.
   *
   * @throws UsageFileError when nothing in it is usage; the stream's error.
   */
  run(name: string, stream: Readable): Promise<ImportState> {
    const running = this.#run(name, stream).finally(() => this.#underWay.delete(running));
    this.#underWay.add(running);
    return running;
  }

  /** Ends what is under way; resolves when nothing is. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled(this.#underWay);
  }

  async #run(name: string, stream: Readable): Promise<ImportState> {
    const { usage, clock, currentPeriodStart } = this.#options;
    const period_start = await currentPeriodStart();
    const usageImport = new UsageImport({
      name,
      usage,
      signal: this.#stopping.signal,
      place: (file) => this.#placements.place({ ...file, now: clock.now(), period_start }),
    });
    this.#shown = [usageImport, ...this.#shown].slice(0, MAX_SHOWN);
    try {
      await usageImport.run(stream);
    } catch (error) {
      // A pipe that nobody wrote to is not worth showing.
      if (error instanceof EmptyFileError) this.#shown = this.#shown.filter((shown) => shown !== usageImport);
      throw error;
    }
    return usageImport.state;
  }
}
