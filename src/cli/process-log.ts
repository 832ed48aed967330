import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import { SECOND_MS } from '../core/instant.ts';

/** The log of a command that runs until it is stopped: a line of JSON each, on standard output. */
export interface ProcessLog {
  readonly logger: Logger;
  /** Writes what waits, as long as somebody reads it or for two seconds. What is logged later is dropped. */
  close(): Promise<void>;
}

/** What waits for whoever reads. Beyond, lines are dropped and counted: the process must not wait for its log. */
const MAX_WAITING_BYTES = 1_048_576;
const CLOSE_WITHIN_MS = 2 * SECOND_MS;

export function openProcessLog(): ProcessLog {
  /** Whether nobody has read what was written last. */
  let isStalled = false;
  let dropped = 0;
  // Ahead of pino's own hook, which writes what waits and does not end before it is read.
  process.once('exit', () => {
    if (isStalled) destination.destroy();
  });
  const destination = pino.destination({
    dest: 1,
    sync: false,
    maxLength: MAX_WAITING_BYTES,
    retryEAGAIN: () => {
      isStalled = true;
      return true;
    },
  });
  const logger = pino({ name: 'tallybook', base: null }, destination);
  destination.on('write', () => {
    isStalled = false;
  });
  destination.on('drop', () => {
    dropped += 1;
  });
  destination.on('drain', () => {
    if (dropped > 0) logger.warn({ dropped }, 'Lines of this log were dropped: nobody read it');
    dropped = 0;
  });
  // A log that cannot be written, as on a full disk, stops nothing else.
  destination.on('error', () => {});
  return {
    logger,
    async close() {
      logger.level = 'silent';
      const written = once(destination, 'close');
      destination.end();
      await Promise.race([written, sleep(CLOSE_WITHIN_MS)]);
      destination.destroy();
    },
  };
}
