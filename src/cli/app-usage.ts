import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { COMMAND_ACCESS, type CommandAccess } from '../command-access.ts';
import type { Logger } from '../core/environment.ts';
import type { Usage } from '../usage-interface.ts';
import { asSentence, CommandError, oneLine } from './command-error.ts';

/** What commands use of an app's `usage`. */
export type AppUsage = Pick<
  Usage,
  | 'worker'
  | 'reconcile'
  | 'explain'
  | 'reports'
  | 'subscriptions'
  | 'catalogue'
  | 'doctor'
  | 'handler'
  | 'keys'
  | 'close'
>;

/** Loads the `usage` that an app's module exports. The caller closes it. */
export async function importUsage(config: string): Promise<AppUsage> {
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

/** Runs something with an app's `usage`, and closes it. */
export async function withUsage(config: string, run: (usage: AppUsage) => Promise<void>): Promise<void> {
  const usage = await importUsage(config);
  await printing(usage, async () => {
    try {
      await run(usage);
    } finally {
      await usage.close();
    }
  });
}

/** Runs something whose error the command prints, so that the app's `usage` does not print it as well. */
export async function printing<Result>(usage: AppUsage, run: () => Promise<Result>): Promise<Result> {
  try {
    return await (accessOf(usage)?.printing(run) ?? run());
  } catch (error) {
    throw asCommandError(error);
  }
}

/** @throws UsageError where the app's `usage` is to send to Stripe, and the package for it is not installed. */
export async function requireStripe(usage: AppUsage): Promise<void> {
  await accessOf(usage)?.requireStripe();
}

/** Has an app's `usage` log where the command does, unless the app has said where. */
export function logTo(usage: AppUsage, logger: Logger): void {
  accessOf(usage)?.logTo(logger);
}

/** undefined = the app has installed an older copy of the package. */
function accessOf(usage: AppUsage): CommandAccess | undefined {
  return Reflect.get(usage, COMMAND_ACCESS);
}

const WRONG_USE = 2;
/** Errors of the library whose remedies are about calls, and not about options of a command. */
const ABOUT_CALLS: ReadonlySet<unknown> = new Set(['invalid_parameter', 'invalid_period']);

/** What is read of a `UsageError`, of whatever copy of the library. */
interface ErrorOfLibrary extends Error {
  readonly status?: unknown;
  readonly code?: unknown;
  readonly remedy?: string;
}

/** An error of the library as one of the command; also of another copy of the library than the one that runs. */
export function asCommandError(error: unknown): unknown {
  if (!(error instanceof Error && error.name === 'UsageError')) return error;
  const { status, code, remedy = '' }: ErrorOfLibrary = error;
  const line = oneLine(error);
  if (ABOUT_CALLS.has(code)) {
    return new CommandError(line.replace(remedy, ''), '', { cause: error, code: WRONG_USE, isInHelp: true });
  }
  const isCallers = status === 400 || status === 404;
  return new CommandError(line, '', { cause: error, ...(isCallers ? { code: WRONG_USE } : {}) });
}

async function importModule(path: string, config: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    throw new CommandError(
      `${config} cannot be loaded: ${asSentence(oneLine(error))}`,
      'Correct it and start again.',
      { cause: error },
    );
  }
}

/** By its shape: the app may have installed another copy of the package than the one that runs. */
function isUsage(value: unknown): value is AppUsage {
  if (typeof value !== 'object' || value === null) return false;
  const { worker, reconcile, reports, catalogue, close } = value as Partial<AppUsage>;
  return (
    typeof worker?.start === 'function' &&
    typeof reconcile === 'function' &&
    typeof reports?.list === 'function' &&
    typeof catalogue?.push === 'function' &&
    typeof close === 'function'
  );
}
