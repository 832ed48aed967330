import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { UsageError } from '../../../core/errors.ts';
import type { DemoUsage } from '../demo.ts';
import { type CsvRow, readCsv } from './csv-rows.ts';
import { InFlight } from './in-flight.ts';
import { type RowFormat, recogniseFormat } from './row-format.ts';
import { type RowClockOptions, RowTime } from './row-time.ts';
import { EmptyFileError, UsageFileError } from './usage-file-error.ts';

export interface UsageImportOptions extends RowClockOptions {
  /** What people call the file. */
  readonly name: string;
  readonly usage: Pick<DemoUsage, 'increment'>;
  /** Ends the import early; what was counted stays counted. */
  readonly signal: AbortSignal;
}

/** How an import stands. */
export interface ImportState {
  readonly name: string;
  readonly state: 'running' | 'done' | 'stopped' | 'failed';
  /** Rows that were read, without the header. */
  readonly rows: number;
  readonly recorded: number;
  /** Counted by an earlier import, or by an earlier row with the same key. */
  readonly duplicate: number;
  /** Rows of quantity 0, which record nothing. */
  readonly empty: number;
  readonly refused: number;
  /** The first refused rows. */
  readonly refusals: readonly { readonly line: number; readonly reason: string }[];
  readonly duration_ms: number;
  readonly notes: readonly string[];
  /** Why it did not get to the end of the file; null = it did, or was stopped. */
  readonly error: string | null;
}

const MAX_IN_FLIGHT = 2_000;
const MAX_SHOWN_REFUSALS = 10;

/**
 * Counts a CSV file of usage. Every row has a key that follows from the whole file up to it, so a file that is
 * imported again counts once, and one that has grown since counts its new rows.
 */
export class UsageImport {
  readonly #options: UsageImportOptions;
  readonly #time: RowTime;
  readonly #inFlight = new InFlight(MAX_IN_FLIGHT);
  readonly #startedAt = performance.now();
  readonly #refusals: { line: number; reason: string }[] = [];
  #counts = { recorded: 0, duplicate: 0, empty: 0, refused: 0 };
  #rows = 0;
  #digest = '';
  #format: RowFormat | null = null;
  #state: ImportState['state'] = 'running';
  #error: string | null = null;
  #duration_ms: number | null = null;

  constructor(options: UsageImportOptions) {
    this.#options = options;
    this.#time = new RowTime(options);
  }

  get state(): ImportState {
    const description = this.#format?.description ?? null;
    return {
      name: this.#options.name,
      state: this.#state,
      rows: this.#rows,
      ...this.#counts,
      refusals: [...this.#refusals],
      duration_ms: Math.round(this.#duration_ms ?? performance.now() - this.#startedAt),
      notes: [...(description === null ? [] : [description]), ...this.#time.notes],
      error: this.#error,
    };
  }

  /** @throws UsageFileError, or the stream's error. What was counted by then stays counted. */
  async run(stream: Readable): Promise<void> {
    try {
      await this.#read(stream);
      this.#state = this.#options.signal.aborted ? 'stopped' : this.#error === null ? 'done' : 'failed';
    } catch (error) {
      this.#state = this.#options.signal.aborted ? 'stopped' : 'failed';
      if (this.#state === 'stopped') return;
      this.#error = error instanceof Error ? error.message : String(error);
      throw error;
    } finally {
      await this.#inFlight.drained();
      this.#duration_ms = performance.now() - this.#startedAt;
    }
  }

  async #read(stream: Readable): Promise<void> {
    const { signal } = this.#options;
    // A stream that brings nothing would never notice.
    const abort = () => stream.destroy();
    signal.addEventListener('abort', abort, { once: true });
    try {
      let brokenAt: number | null = null;
      const onBroken = (line: number) => {
        brokenAt = line;
      };
      for await (const row of readCsv(stream, onBroken)) {
        if (signal.aborted) return;
        this.#chain(row);
        if (this.#format) await this.#inFlight.run(() => this.#count(row, this.#rows, this.#digest));
        else this.#format = recogniseFormat(row.cells);
      }
      if (signal.aborted) return;
      if (brokenAt !== null) this.#break(brokenAt);
      else if (!this.#format) throw new EmptyFileError('The file is empty.');
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #chain({ cells }: CsvRow): void {
    this.#digest = createHash('sha256').update(this.#digest).update(JSON.stringify(cells)).digest('hex');
    if (this.#format) this.#rows += 1;
  }

  async #count(row: CsvRow, number: number, digest: string): Promise<void> {
    try {
      const { timestamp, ...fields } = this.#formatted(row, number);
      const result = await this.#options.usage.increment({
        idempotency_key: `import_${digest}`,
        ...fields,
        ...(timestamp === undefined ? {} : { timestamp: this.#time.timestampOf(timestamp, digest) }),
      });
      if (result.recorded) this.#counts.recorded += 1;
      else if (result.duplicate) this.#counts.duplicate += 1;
      else this.#counts.empty += 1;
    } catch (error) {
      this.#refuse(row.line, reasonOf(error));
    }
  }

  /** The meter is a word from the file, and `increment` checks it. */
  #formatted(row: CsvRow, number: number) {
    if (!this.#format) throw new Error('A row is read before the header.');
    return this.#format.read(row.cells, number) as ReturnType<RowFormat['read']> & {
      meter?: 'credits' | 'tokens';
    };
  }

  /** @throws UsageFileError where it is the first row. */
  #break(line: number): void {
    const what = `The row that begins at line ${line} is no CSV: a quote in it is never closed.`;
    if (this.#rows === 0) throw new UsageFileError(what);
    this.#error = `${what} The rows above are counted; correct it and import it again for the rest.`;
  }

  #refuse(line: number, reason: string): void {
    this.#counts.refused += 1;
    if (this.#refusals.length < MAX_SHOWN_REFUSALS) this.#refusals.push({ line, reason });
  }
}

/** The message of a refusal ends with a remedy for programmers; in a file, the cause says enough. */
function reasonOf(error: unknown): string {
  if (error instanceof UsageError) return error.message.replace(` ${error.remedy}`, '');
  return 'It could not be recorded; import the file again.';
}
