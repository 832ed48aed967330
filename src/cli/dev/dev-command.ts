import { createReadStream, fstatSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { formatInstant } from '../../core/instant.ts';
import { CommandError, systemCode } from '../command-error.ts';
import { listenForStop, type StopRequest } from '../stop-request.ts';
import { makeDirectory } from './dev-directory.ts';
import { type DevServer, startDevServer } from './dev-server.ts';
import { checkHeader } from './import/header-check.ts';
import { describeImport } from './import/import-text.ts';
import { EmptyFileError, UsageFileError } from './import/usage-file-error.ts';
import { SECRET_KEY } from './simulated-stripe.ts';

export interface DevCommandOptions {
  readonly port: number;
  readonly stripePort?: number;
  readonly directory: string;
  /** Paths; `-` = standard input. */
  readonly import: readonly string[];
}

interface ImportSource {
  readonly name: string;
  /** False: nobody asked, so it may as well be empty. */
  readonly is_asked_for: boolean;
  open(): Readable;
}

const MAX_PORT = 65_535;

/** `tallybook dev`: the product and a simulated Stripe in one process, until it is told to stop. */
export async function runDev(options: DevCommandOptions): Promise<void> {
  if (process.env['NODE_ENV'] === 'production') {
    throw new CommandError(
      '`tallybook dev` bills a simulated Stripe, and NODE_ENV is production.',
      'Run `tallybook worker` there.',
    );
  }
  const sources = await sourcesOf(options.import);
  const directory = makeDirectory(options.directory);
  const stop = listenForStop(() =>
    console.log('Stopping: writing what is pending. Ctrl-C again exits at once.'),
  );
  const stripe_port = options.stripePort ?? portBeside(options.port);
  const server = await startDevServer({ port: options.port, stripe_port, directory, signal: stop.signal });
  try {
    welcome(server, options.directory);
    await importAll(server, sources, stop);
    await stop.requested;
  } finally {
    await server.close();
  }
  console.log('Stopped. The next start continues here.');
}

function portBeside(port: number): number {
  if (port === 0) return 0;
  return port === MAX_PORT ? port - 1 : port + 1;
}

function welcome({ url, stripe_url, clock }: DevServer, directory: string): void {
  console.log(`
  Page     ${url}
  Operator ${url}/operator
  Gallery  ${url}/gallery
  Stripe   ${stripe_url} (simulated; any test key, such as ${SECRET_KEY})
  Data     ${directory}
  Clock    ${formatInstant(clock.now())}

  Meter usage:
  curl ${url}/v1/usage -H 'content-type: application/json' -d '{"account":"acme","quantity":10}'

  Ctrl-C stops. The next start continues where this one stopped.
`);
}

/** Finds out what cannot be read before anything is started. @throws CommandError. */
async function sourcesOf(paths: readonly string[]): Promise<ImportSource[]> {
  const asked = await Promise.all(
    paths.map((path) => (path === '-' ? standardInput(true) : fileSource(path))),
  );
  return paths.includes('-') || !isPiped() ? asked : [...asked, standardInput(false)];
}

async function fileSource(path: string): Promise<ImportSource> {
  const name = basename(path);
  try {
    const kind = statSync(path);
    if (kind.isDirectory()) throw new CommandError(`${path} is a directory.`, 'Pass a CSV file.');
    await (await open(path)).close();
    // What is read from a pipe cannot be read again.
    if (kind.isFile()) await checkHeader(createReadStream(path));
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    if (cause instanceof UsageFileError) throw notImported(name, cause.message, cause);
    const reason =
      systemCode(cause) === 'ENOENT' ? 'does not exist' : `cannot be read (${systemCode(cause)})`;
    throw new CommandError(`The file ${path} ${reason}.`, 'Pass the path of a CSV file with --import.', {
      cause,
    });
  }
  return { name, is_asked_for: true, open: () => createReadStream(path) };
}

function standardInput(is_asked_for: boolean): ImportSource {
  return { name: 'standard input', is_asked_for, open: () => process.stdin };
}

/** Whether something may come from standard input that is no keyboard. */
function isPiped(): boolean {
  try {
    const input = fstatSync(0);
    return input.isFIFO() || input.isFile() || input.isSocket();
  } catch {
    return false; // it is closed
  }
}

/** One after the other, so that the lines on the terminal belong together. */
async function importAll(
  server: DevServer,
  sources: readonly ImportSource[],
  stop: StopRequest,
): Promise<void> {
  for (const { name, is_asked_for, open: openSource } of sources) {
    if (stop.signal.aborted) return;
    const importing = importOne(server, name, openSource()).catch((error: unknown) => {
      if (!is_asked_for && error instanceof EmptyFileError) return;
      throw error;
    });
    await Promise.race([importing, stop.requested.then(() => server.imports.stop())]);
  }
}

async function importOne(server: DevServer, name: string, stream: Readable): Promise<void> {
  try {
    const state = await server.imports.run(name, stream);
    console.log(describeImport(state).join('\n'));
    if (state.error !== null) throw new CommandError(`${name} was imported in part: ${state.error}`, '');
  } catch (cause) {
    if (!(cause instanceof UsageFileError) && systemCode(cause) === null) throw cause;
    const reason =
      cause instanceof UsageFileError ? cause.message : `It cannot be read (${systemCode(cause)}).`;
    throw notImported(name, reason, cause);
  }
}

function notImported(name: string, reason: string, cause: unknown): CommandError {
  return new CommandError(`${name} was not imported: ${reason}`, '', { cause });
}
