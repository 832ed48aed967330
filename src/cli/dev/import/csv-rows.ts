import type { Readable } from 'node:stream';
import { type CsvError, type Info, parse } from 'csv-parse';
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
 * @param onBroken told where the row begins that is no CSV; every row before it is given, and none after.
 */
export async function* readCsv(stream: Readable, onBroken: (line: number) => void): AsyncGenerator<CsvRow> {
  let isBroken = false;
  let last: Place = { lines: 0, empty_lines: 0 };
  const parser = parse({
    bom: true,
    info: true,
    relax_quotes: true, // a quote inside a cell is a character like others
    relax_column_count: true, // a row that is too short is refused by itself, with its line
    skip_empty_lines: true,
    max_record_size: MAX_ROW_LENGTH,
    // An error would throw away the rows that wait to be read; a skip does not.
    skip_records_with_error: true,
    on_record: (record, context) => {
      last = context;
      return record;
    },
    on_skip: (error) => {
      if (!isBroken) onBroken(startOf(error, last));
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

/** Lines of a file so far, and how many of them stand empty between rows. */
type Place = Pick<Info, 'lines' | 'empty_lines'>;

/** Where the row begins that could not be read: the parser tells where it gave up, which may be the end of the file. */
function startOf(error: CsvError | undefined, last: Place): number {
  const empty_lines: unknown = error?.['empty_lines'];
  const between = typeof empty_lines === 'number' ? empty_lines - last.empty_lines : 0;
  return last.lines + between + 1;
}
