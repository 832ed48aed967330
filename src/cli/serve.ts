import type { Logger } from 'pino';
import { type NodeServer, startNodeServer } from '../http/node-server.ts';
import { type AppUsage, asCommandError, importUsage, logTo } from './app-usage.ts';
import { CommandError, systemCode } from './command-error.ts';
import { openProcessLog } from './process-log.ts';
import { listenForStop } from './stop-request.ts';

export interface ServeCommandOptions {
  /** Path of the module that exports `usage`. */
  readonly config: string;
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** Whether the report job runs here as well. */
  readonly worker: boolean;
}

/** `tallybook serve`: the HTTP API of an app, and its report job, until it is told to stop. */
export async function runServe(options: ServeCommandOptions): Promise<void> {
  const log = openProcessLog();
  try {
    await serve(options, log.logger);
  } finally {
    await log.close();
  }
}

async function serve({ config, host, port, worker }: ServeCommandOptions, logger: Logger): Promise<void> {
  const stop = listenForStop(() => logger.info('Stopping: requests under way are answered first'));
  const usage = await importUsage(config);
  logTo(usage, logger);
  let server: NodeServer | null = null;
  try {
    server = await listen({ handler: logged(usage, logger), host, port });
    const { address, port: taken } = server.address;
    if (worker) usage.worker.start();
    logger.info({ config, host: address, port: taken, worker }, 'The HTTP API is served');
    await stop.requested;
    await server.stop();
  } finally {
    await usage.close();
  }
  logger.info('Stopped');
}

async function listen(options: Parameters<typeof startNodeServer>[0]): Promise<NodeServer> {
  try {
    return await startNodeServer(options);
  } catch (error) {
    const code = systemCode(error);
    if (code === null) throw asCommandError(error);
    const cause = `${options.host}:${options.port} cannot be listened on (${code}).`;
    throw new CommandError(cause, 'Pass another address with --host and --port.', { cause: error });
  }
}

/** A line per request. What was asked for is in the path; queries name accounts and stay out of the log. */
function logged({ handler }: AppUsage, logger: Logger): (request: Request) => Promise<Response> {
  return async (request) => {
    const started_at = performance.now();
    const response = await handler(request);
    logger.info(
      {
        request_id: response.headers.get('x-request-id'),
        method: request.method,
        path: new URL(request.url).pathname,
        status: response.status,
        duration_ms: Math.round((performance.now() - started_at) * 10) / 10,
      },
      'request',
    );
    return response;
  };
}
