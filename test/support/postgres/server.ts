import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findBinaries } from './binaries.ts';
import { eventually, isAlive, killWithChildren, sendSignal } from './processes.ts';
import { reachableTemporaryFolder, serverUser } from './server-user.ts';

export interface PostgresOptions extends PostgresConfiguration {
  /** Where the server makes its own folder, for example on a special disk. Default: a folder for temporary files. */
  readonly directory?: string;
  /** Default: a free one. */
  readonly port?: number;
}

export interface PostgresConfiguration {
  /** As in `postgresql.conf`, on top of `DEFAULT_SETTINGS`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The whole `pg_hba.conf`. Default: everyone from 127.0.0.1, with a password. */
  readonly hba?: string;
  /** More files by name, which land in the data directory and only the server can read: `server.key`. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface PostgresServer {
  /** Of the superuser, with the password, for the database `postgres`. */
  readonly url: string;
  readonly port: number;
  /** Everything the server has written: `data`, and `log` with what it said. Gone after `stop`. */
  readonly directory: string;
  /** Shuts it down and removes its directory. */
  stop(): Promise<void>;
  /** SIGKILL for all its processes at once; resolves when they are gone. The data stays for `restart`. */
  kill(): Promise<void>;
  /**
   * Starts it again after `kill`, on the same data and port, and resolves when it accepts connections. A server
   * that runs is shut down first. What is given replaces or adds to its configuration.
   */
  restart(changes?: PostgresConfiguration): Promise<void>;
}

const DEFAULT_SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '', // The path of a socket has a short maximum.
  fsync: 'on',
  synchronous_commit: 'on',
  max_connections: '100',
  // In files of the data directory, so that a killed server leaves nothing in /dev/shm, which containers keep small.
  dynamic_shared_memory_type: 'mmap',
};
const DEFAULT_HBA = 'host all,replication all 127.0.0.1/32 scram-sha-256\n';
/**
 * Below the ports that systems give to outgoing connections. From there, a client that retries its connection to a
 * killed server can end up connected to itself, and `restart` finds the port taken.
 */
const PORTS = { first: 20_000, end: 32_000 };
const MAX_PORTS_TRIED = 100;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;

/** A real PostgreSQL of its own, for this process: it ends when the process ends, in whatever way. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const user = serverUser();
  const binaries = findBinaries(user);
  const parent = options.directory ?? reachableTemporaryFolder(user);
  const directory = join(parent, `tallybook-postgres-${crypto.randomUUID()}`);
  const watchdog = startWatchdog(directory); // First, so that nothing is ever there without it.
  const data = join(directory, 'data');
  const log = join(directory, 'log');
  const password = crypto.randomUUID();
  const port = options.port ?? (await freePort());
  let settings: Record<string, string> = { ...DEFAULT_SETTINGS, port: String(port) };
  let running: ChildProcess | undefined;
  let killed = false;

  function run(command: string, args: readonly string[]): ChildProcess {
    const output = openSync(log, 'a');
    const child = spawn(command, args, {
      ...user,
      cwd: directory,
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }, // None of PGPORT, PGOPTIONS and their like.
      stdio: ['ignore', output, output],
      detached: true, // Control-C reaches our process, which then stops it in order.
    });
    closeSync(output);
    watchdog.watch(child.pid ?? 0);
    child.once('exit', () => watchdog.watch(0));
    child.once('error', (error) => appendFileSync(log, `${error}\n`)); // Could not even be run.
    child.unref();
    return child;
  }

  async function initialise(): Promise<void> {
    mkdirSync(directory, { mode: 0o700 });
    if (user) chownSync(directory, user.uid, user.gid);
    write('password', password);
    // Text is ordered by language, as on most servers and unlike JavaScript and SQLite.
    const locale = ['--locale=C', '--locale-provider=icu', '--icu-locale=en-US', '--encoding=UTF8'];
    const login = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${join(directory, 'password')}`];
    const initdb = run(binaries.initdb, [`--pgdata=${data}`, '--no-sync', ...locale, ...login]);
    await eventually(() => hasEnded(initdb), START_TIMEOUT_MS);
    if (initdb.exitCode !== 0) throw new Error(`initdb failed.\n${tail(log)}`);
  }

  function configure({ settings: changed, hba, files = {} }: PostgresConfiguration): void {
    settings = { ...settings, ...changed };
    const lines = Object.entries(settings).map(
      ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`,
    );
    write('data/postgresql.conf', lines.join(''));
    if (hba !== undefined) write('data/pg_hba.conf', hba);
    for (const [name, text] of Object.entries(files)) write(join('data', name), text);
  }

  function write(name: string, text: string): void {
    const path = join(directory, name);
    writeFileSync(path, text);
    chmodSync(path, 0o600);
    if (user) chownSync(path, user.uid, user.gid);
  }

  async function start(): Promise<void> {
    const postmaster = run(binaries.postgres, ['-D', data]);
    running = postmaster;
    killed = false;
    await eventually(() => hasEnded(postmaster) || isReady(data, postmaster), START_TIMEOUT_MS);
    if (hasEnded(postmaster) || !isReady(data, postmaster))
      throw new Error(`PostgreSQL did not start on port ${port}.\n${tail(log)}`);
  }

  async function shutDown(): Promise<void> {
    const postmaster = running;
    if (postmaster?.pid === undefined || hasEnded(postmaster)) return;
    sendSignal(postmaster.pid, 'SIGINT'); // PostgreSQL's fast shutdown, which closes connections.
    if (!(await eventually(() => hasEnded(postmaster), STOP_TIMEOUT_MS))) await kill();
  }

  async function kill(): Promise<void> {
    const postmaster = running;
    if (postmaster?.pid === undefined || hasEnded(postmaster)) return;
    killed = true;
    const pids = killWithChildren(postmaster.pid);
    const gone = await eventually(() => hasEnded(postmaster) && !pids.some(isAlive), STOP_TIMEOUT_MS);
    if (!gone) throw new Error(`PostgreSQL (processes ${pids.join(', ')}) survived SIGKILL.`);
  }

  async function stop(): Promise<void> {
    // A killed server leaves a segment of shared memory, of which systems have few. Its next start frees it.
    if (killed) await start().catch(() => {});
    await shutDown();
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    watchdog.release();
  }

  async function restart(changes: PostgresConfiguration = {}): Promise<void> {
    await shutDown();
    configure(changes);
    await start();
  }

  try {
    await initialise();
    configure({ hba: DEFAULT_HBA, ...options });
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  const url = `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`;
  return { url, port, directory, stop, kill, restart };
}

function startWatchdog(directory: string) {
  const program = fileURLToPath(new URL('./watchdog.ts', import.meta.url));
  const child = spawn(process.execPath, [program, directory], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // A signal to our group of processes must not end it too.
  });
  child.unref();
  child.stdin.on('error', () => {}); // Someone ended the watchdog; the tests need not fail for it.
  return {
    watch: (pid: number) => child.stdin.write(`${pid}\n`),
    release: () => child.stdin.end(),
  };
}

async function freePort(): Promise<number> {
  for (let tried = 0; tried < MAX_PORTS_TRIED; tried++) {
    const port = randomInt(PORTS.first, PORTS.end);
    if (await isFree(port)) return port;
  }
  throw new Error(`No free port found between ${PORTS.first} and ${PORTS.end}.`);
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    return false;
  }
  probe.close();
  await once(probe, 'close');
  return true;
}

/** The first line of `postmaster.pid` is the pid, which a killed server leaves there; the eighth is the status. */
function isReady(data: string, { pid }: ChildProcess): boolean {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
    return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
  } catch {
    return false; // Not there yet.
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function tail(log: string): string {
  return readFileSync(log, 'utf8').slice(-2_000);
}
