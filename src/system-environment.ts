import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment, Instant, Logger } from './core/environment.ts';

/** The machine's clock and randomness, and a logger that says nothing below a warning. */
export function systemEnvironment(): Environment {
  return {
    clock: { now: () => Date.now(), monotonic: () => performance.now(), sleep: sleepUntilAborted },
    logger: new DefaultLogger(),
    uuid: () => uuidVersion7(Date.now()),
    random: Math.random,
    digest: (text) => createHash('sha256').update(text).digest('hex'),
  };
}

/** setTimeout takes at most 2³¹ − 1 milliseconds and fires at once beyond. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

async function sleepUntilAborted(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    // The job's wait for its next run, which can be called off, does not keep a process alive that has nothing else to
    // do. A wait within a call that somebody awaits does.
    await sleep(Math.min(ms, MAX_TIMEOUT_MS), undefined, signal ? { ref: false, signal } : {});
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}

/** RFC 9562, 5.7: 48 bits of milliseconds, then randomness, here a version 4 UUID's. */
export function uuidVersion7(now: Instant): string {
  const time = now.toString(16).padStart(12, '0');
  const random = randomUUID();
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`;
}

/** Warnings and errors on standard error, unless a command of ours, which keeps a log, takes it all. */
export class DefaultLogger implements Logger {
  #target: Logger | null = null;

  passTo(target: Logger): void {
    this.#target = target;
  }

  debug(fields: object, message: string): void {
    this.#target?.debug(fields, message);
  }

  info(fields: object, message: string): void {
    this.#target?.info(fields, message);
  }

  warn(fields: object, message: string): void {
    if (this.#target) this.#target.warn(fields, message);
    else writeLine('warning', fields, message);
  }

  error(fields: object, message: string): void {
    if (this.#target) this.#target.error(fields, message);
    else writeLine('error', fields, message);
  }
}

function writeLine(level: string, fields: object, message: string): void {
  process.stderr.write(`tallybook: ${level}: ${message} ${JSON.stringify(fields, describeErrors)}\n`);
}

function describeErrors(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return value.cause instanceof Error ? `${value.message} (${value.cause.message})` : value.message;
}

/** Whether the app says that it runs in production: a convention that every Node framework follows. */
export function isProduction(): boolean {
  // biome-ignore lint/style/noProcessEnv: the one setting that the library itself takes from the environment.
  return process.env['NODE_ENV'] === 'production';
}
