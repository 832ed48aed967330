import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { UsageError } from '../core/errors.ts';
import type { Usage } from '../usage.ts';
import { asSentence, CommandError, oneLine } from './command-error.ts';
import { listenForStop } from './stop-request.ts';

export interface WorkerCommandOptions {
  /** Path of the module that exports `usage`. */
  readonly config: string;
}

/** The worker's timers let a process end that has nothing else to do; this one has nothing else to do. */
const KEEP_ALIVE_MS = 2 ** 30;

/** `tallybook worker`: runs the report job of an app until it is told to stop. */
export async function runWorker({ config }: WorkerCommandOptions): Promise<void> {
  const logger = pino({ name: 'tallybook', base: null }, pino.destination({ dest: 1, sync: true }));
  const stop = listenForStop(() => logger.info('Stopping: the run under way is finished first'));
  const usage = await importUsage(config);
  const keepAlive = setInterval(() => {}, KEEP_ALIVE_MS);
  try {
    const nextDueAt = await openDatabase(usage);
    usage.worker.start();
    logger.info({ config, next_due_at: new Date(nextDueAt).toISOString() }, 'The report job runs');
    await stop.requested;
  } finally {
    await usage.close();
    clearInterval(keepAlive);
  }
  logger.info('Stopped; what waits is sent after the next start');
}

type AppUsage = Pick<Usage, 'worker' | 'close'>;

async function importUsage(config: string): Promise<AppUsage> {
  const path = resolve(config);
  if (!existsSync(path)) {
    throw new CommandError(
      `The file ${config} does not exist.`,
      'Pass the module that exports `usage` with --config.',
    );
  }
  const module = await importModule(path, config);
  const usage = module['usage'];
  if (isUsage(usage)) return usage;
  throw new CommandError(
    `${config} has no export \`usage\`.`,
    'Write `export const usage = createUsage({ … })` in it, or pass another file with --config.',
  );
}

async function importModule(path: string, config: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    throw new CommandError(
      `${config} cannot be loaded: ${asSentence(oneLine(error))}`,
      'Correct it and start again.',
      {
        cause: error,
      },
    );
  }
}

/** By its shape: the app may have installed another copy of the package than the one that runs. */
function isUsage(value: unknown): value is AppUsage {
  if (typeof value !== 'object' || value === null) return false;
  const { worker, close } = value as Partial<AppUsage>;
  return typeof worker?.start === 'function' && typeof close === 'function';
}

/** Fails at the start for what would otherwise fail forever in the background. */
async function openDatabase(usage: AppUsage): Promise<number> {
  try {
    return await usage.worker.nextDueAt();
  } catch (error) {
    if (error instanceof Error && (error instanceof UsageError || error.name === 'UsageError')) {
      throw new CommandError(oneLine(error), '', { cause: error });
    }
    throw error;
  }
}
