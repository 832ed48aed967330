import type { Readable } from 'node:stream';
import { type CsvError, parse } from 'csv-parse';
import { z } from 'zod';

/** One row of a CSV file. */
export interface CsvRow {
  /** Where it ends in the file, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** A row longer than this is a quote that was never closed. */
const MAX_ROW_LENGTH = 65_536;

const parsedRow = z.object({ info: z.object({ lines: z.number() }), record: z.array(z.string()) });

/**
 * Reads rows as they are asked for: a slow reader holds the stream up, so that files of any size fit in memory.
 *
 * @param onBroken told where the text stops being CSV; every row before it is given, and none after.
 */
export async function* readCsv(stream: Readable, onBroken: (line: number) => void): AsyncGenerator<CsvRow> {
  let isBroken = false;
  const parser = parse({
    bom: true,
    info: true,
    relax_quotes: true, // a quote inside a cell is a character like others
    relax_column_count: true, // a row that is too short is refused by itself, with its line
    skip_empty_lines: true,
    max_record_size: MAX_ROW_LENGTH,
    // An error would throw away the rows that wait to be read; a skip does not.
    skip_records_with_error: true,
    on_skip: (error) => {
      if (!isBroken) onBroken(lineOf(error));
      isBroken = true;
      stream.unpipe(parser);
      process.nextTick(() => parser.end());
      return undefined;
    },
  });
  stream.on('error', (error) => parser.destroy(error));
  stream.pipe(parser);
  try {
    for await (const parsed of parser) {
      const { info, record } = parsedRow.parse(parsed);
      yield { line: info.lines, cells: record };
    }
  } finally {
    stream.unpipe(parser);
    stream.destroy();
  }
}

function lineOf(error: CsvError | undefined): number {
  const lines: unknown = error?.['lines'];
  return typeof lines === 'number' ? lines : 0;
}
