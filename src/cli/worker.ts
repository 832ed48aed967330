import type { Logger } from 'pino';
import { type AppUsage, importUsage, logTo, printing, requireStripe } from './app-usage.ts';
import { openProcessLog } from './process-log.ts';
import { listenForStop } from './stop-request.ts';

export interface WorkerCommandOptions {
  /** Path of the module that exports `usage`. */
  readonly config: string;
}

/** The worker's timers let a process end that has nothing else to do; this one has nothing else to do. */
const KEEP_ALIVE_MS = 2 ** 30;

/** `tallybook worker`: runs the report job of an app until it is told to stop. */
export async function runWorker(options: WorkerCommandOptions): Promise<void> {
  const log = openProcessLog();
  try {
    await work(options, log.logger);
  } finally {
    await log.close();
  }
}

async function work({ config }: WorkerCommandOptions, logger: Logger): Promise<void> {
  const stop = listenForStop(() => logger.info('Stopping: the run under way is finished first'));
  const usage = await importUsage(config);
  logTo(usage, logger);
  const keepAlive = setInterval(() => {}, KEEP_ALIVE_MS);
  try {
    const nextDueAt = await prepare(usage);
    usage.worker.start();
    logger.info({ config, next_due_at: new Date(nextDueAt).toISOString() }, 'The report job runs');
    await stop.requested;
  } finally {
    await usage.close();
    clearInterval(keepAlive);
  }
  logger.info('Stopped; what waits is sent after the next start');
}

/** Fails at the start for what would otherwise fail forever in the background. */
function prepare(usage: AppUsage): Promise<number> {
  return printing(usage, async () => {
    await requireStripe(usage);
    return await usage.worker.nextDueAt();
  });
}
