import type { Readable } from 'node:stream';
import { readCsv } from './csv-rows.ts';
import { recogniseFormat } from './row-format.ts';

/**
 * Finds out by the first line whether a file is one of usage; what is wrong below it, the import finds.
 *
 * @throws UsageFileError; the stream's error.
 */
export async function checkHeader(stream: Readable): Promise<void> {
  for await (const { cells } of readCsv(stream, () => {})) {
    recogniseFormat(cells);
    return;
  }
}
