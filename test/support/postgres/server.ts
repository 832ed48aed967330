import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Binaries, findBinaries } from './binaries.ts';
import { freePort } from './free-port.ts';
import { eventually, isAlive, killWithChildren, sendSignal } from './processes.ts';
import { ServerFolder } from './server-folder.ts';
import { serverUser } from './server-user.ts';

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
  // After a kill, instead of syncing every file of the data directory by itself, which takes seconds.
  ...(process.platform === 'linux' ? { recovery_init_sync_method: 'syncfs' } : {}),
};
const DEFAULT_HBA = 'host all,replication all 127.0.0.1/32 scram-sha-256\n';
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;

/** A real PostgreSQL of its own, for this process: it ends when the process ends, in whatever way. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const user = serverUser();
  const binaries = findBinaries(user);
  const port = options.port ?? (await freePort());
  const server = new LocalPostgres(binaries, new ServerFolder(user, options.directory), port);
  try {
    await server.initialise();
    await server.restart({ hba: DEFAULT_HBA, ...options });
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class LocalPostgres implements PostgresServer {
  readonly url: string;
  readonly port: number;
  readonly directory: string;
  readonly #binaries: Binaries;
  readonly #folder: ServerFolder;
  readonly #password = crypto.randomUUID();
  #settings: Readonly<Record<string, string>>;
  #postmaster: ChildProcess | undefined;
  #killed = false;

  constructor(binaries: Binaries, folder: ServerFolder, port: number) {
    this.url = `postgresql://postgres:${this.#password}@127.0.0.1:${port}/postgres`;
    this.port = port;
    this.directory = folder.path;
    this.#binaries = binaries;
    this.#folder = folder;
    this.#settings = { ...DEFAULT_SETTINGS, port: String(port) };
  }

  async initialise(): Promise<void> {
    const password = this.#folder.write('password', this.#password);
    const login = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${password}`];
    // Text is ordered by language, as on most servers and unlike JavaScript and SQLite.
    const locale = ['--locale=C', '--locale-provider=icu', '--icu-locale=en-US', '--encoding=UTF8'];
    const args = [`--pgdata=${this.#folder.data}`, '--no-sync', ...login, ...locale];
    const initdb = this.#folder.run(this.#binaries.initdb, args);
    await eventually(() => hasEnded(initdb), START_TIMEOUT_MS);
    if (initdb.exitCode !== 0) throw new Error(`initdb failed.\n${this.#folder.logTail()}`);
  }

  async restart(changes: PostgresConfiguration = {}): Promise<void> {
    await this.#shutDown();
    this.#configure(changes);
    await this.#start();
  }

  async kill(): Promise<void> {
    const postmaster = this.#postmaster;
    if (postmaster?.pid === undefined || hasEnded(postmaster)) return;
    this.#killed = true;
    const pids = killWithChildren(postmaster.pid);
    const gone = await eventually(() => hasEnded(postmaster) && !pids.some(isAlive), STOP_TIMEOUT_MS);
    if (!gone) throw new Error(`PostgreSQL (processes ${pids.join(', ')}) survived SIGKILL.`);
  }

  async stop(): Promise<void> {
    // A killed server leaves a segment of shared memory, of which systems have few. Its next start frees it.
    if (this.#killed) await this.#start().catch(() => {});
    await this.#shutDown();
    this.#folder.remove();
  }

  #configure({ settings, hba, files = {} }: PostgresConfiguration): void {
    this.#settings = { ...this.#settings, ...settings };
    const lines = Object.entries(this.#settings).map(
      ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`,
    );
    this.#folder.write('data/postgresql.conf', lines.join(''));
    if (hba !== undefined) this.#folder.write('data/pg_hba.conf', hba);
    for (const [name, text] of Object.entries(files)) this.#folder.write(`data/${name}`, text);
  }

  async #start(): Promise<void> {
    const { data } = this.#folder;
    const postmaster = this.#folder.run(this.#binaries.postgres, ['-D', data]);
    this.#postmaster = postmaster;
    this.#killed = false;
    await eventually(() => hasEnded(postmaster) || isReady(data, postmaster), START_TIMEOUT_MS);
    if (hasEnded(postmaster) || !isReady(data, postmaster))
      throw new Error(`PostgreSQL did not start on port ${this.port}.\n${this.#folder.logTail()}`);
  }

  async #shutDown(): Promise<void> {
    const postmaster = this.#postmaster;
    if (postmaster?.pid === undefined || hasEnded(postmaster)) return;
    sendSignal(postmaster.pid, 'SIGINT'); // PostgreSQL's fast shutdown, which closes connections.
    if (!(await eventually(() => hasEnded(postmaster), STOP_TIMEOUT_MS))) await this.kill();
  }
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
