import type { Logger } from './core/environment.ts';
import { UsageError } from './core/errors.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

interface CallsOptions {
  /** The app's own; undefined = a line of the logger. */
  readonly onError: ((error: unknown) => void) | undefined;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly isClosed: () => boolean;
}

/** Methods by name, and groups of them. */
type Methods = { readonly [name: string]: Methods | ((...params: never) => Promise<unknown>) };

type Call = (name: string, run: () => Promise<unknown>) => Promise<unknown>;

/** Stands around the public methods: what they reject with is told once, and after `close` they are refused. */
export function createCalls({ onError, logger, telemetry, isClosed }: CallsOptions) {
  /** Whether a command of ours prints what fails. */
  let isPrinting = false;

  /**
   * Hands an error to the app, whose own mistakes must not become unhandled rejections of ours.
   *
   * @param where what failed: `usage.increment`.
   */
  function tell(error: unknown, where: string): void {
    telemetry.countError(error);
    try {
      if (onError) onError(error);
      else if (!isPrinting) log(error, where);
    } catch (cause) {
      logger.error({ err: cause }, 'onError itself failed');
    }
  }

  /** A mistake of the caller is a warning: the app may well expect it. */
  function log(error: unknown, where: string): void {
    if (!(error instanceof UsageError)) logger.error({ err: error }, `${where} failed`);
    else if (error.status >= 500) logger.error({ err: error }, `${where} failed: ${error.code}`);
    else logger.warn({ err: error }, `${where} failed: ${error.code}`);
  }

  function run(method: () => Promise<unknown>): Promise<unknown> {
    return isClosed() ? Promise.reject(new UsageError('closed')) : attempt(method);
  }

  function runAndTell(name: string, method: () => Promise<unknown>): Promise<unknown> {
    const promise = run(method);
    promise.catch((error: unknown) => tell(error, name));
    return promise;
  }

  return {
    tell,
    /** Methods whose rejection is told once and never unhandled. */
    told: <Group extends Methods>(methods: Group) => wrapped(methods, 'usage', runAndTell),
    /** The same for a caller who deals with the rejection: what the HTTP API answers is not told to the app as well. */
    untold: <Group extends Methods>(methods: Group) => wrapped(methods, 'usage', (_, method) => run(method)),
    async printing<Result>(command: () => Promise<Result>): Promise<Result> {
      isPrinting = true;
      try {
        return await command();
      } finally {
        isPrinting = false;
      }
    },
  };
}

function wrapped<Group extends Methods>(methods: Group, path: string, call: Call): Group {
  const entries = Object.entries(methods).map(([name, method]) => {
    const own = `${path}.${name}`;
    if (typeof method !== 'function') return [name, wrapped(method, own, call)];
    return [name, (...params: never) => call(own, () => method(...params))];
  });
  // Every name has a method of the same parameters and result.
  return Object.fromEntries(entries) as Group;
}

/** Without `async`, which would cost every increment two promises more. */
function attempt(method: () => Promise<unknown>): Promise<unknown> {
  try {
    return method();
  } catch (error) {
    return Promise.reject(error);
  }
}
