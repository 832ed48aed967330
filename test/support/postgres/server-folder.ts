import { type ChildProcess, spawn } from 'node:child_process';
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
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { reachableTemporaryFolder, type ServerUser } from './server-user.ts';

const LOG_TAIL_CHARACTERS = 2_000;

/**
 * The folder of one server, owned by the server's user. Whatever runs in it is stopped and the folder removed when
 * this process ends, in whatever way: see `watchdog.ts`.
 */
export class ServerFolder {
  readonly path: string;
  /** The data directory. */
  readonly data: string;
  readonly #log: string;
  readonly #user: ServerUser | null;
  readonly #watchdog: Writable;

  constructor(user: ServerUser | null, parent = reachableTemporaryFolder(user)) {
    this.path = join(parent, `tallybook-postgres-${crypto.randomUUID()}`);
    this.data = join(this.path, 'data');
    this.#log = join(this.path, 'log');
    this.#user = user;
    this.#watchdog = startWatchdog(this.path); // First, so that the folder is never there without it.
    mkdirSync(this.path, { mode: 0o700 });
    this.#giveToUser(this.path);
  }

  /** Runs a program here, one at a time, whose output goes into the log. It does not keep this process alive. */
  run(program: string, args: readonly string[]): ChildProcess {
    const output = openSync(this.#log, 'a');
    const child = spawn(program, args, {
      ...this.#user,
      cwd: this.path,
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }, // None of PGPORT, PGOPTIONS and their like.
      stdio: ['ignore', output, output],
      detached: true, // Control-C reaches our process, which then stops it in order.
    });
    closeSync(output);
    this.#watch(child.pid ?? 0);
    child.once('exit', () => this.#watch(0));
    child.once('error', (error) => appendFileSync(this.#log, `${error}\n`)); // Could not even be run.
    child.unref();
    return child;
  }

  /** A file that only the server can read, which PostgreSQL asks of keys. Returns its path. */
  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    chmodSync(path, 0o600);
    this.#giveToUser(path);
    return path;
  }

  /** The end of what the programs have said. */
  logTail(): string {
    return readFileSync(this.#log, 'utf8').slice(-LOG_TAIL_CHARACTERS);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    this.#watchdog.end();
  }

  #giveToUser(path: string): void {
    if (this.#user) chownSync(path, this.#user.uid, this.#user.gid);
  }

  #watch(pid: number): void {
    this.#watchdog.write(`${pid}\n`);
  }
}

/** Returns its standard input. */
function startWatchdog(folder: string): Writable {
  const program = fileURLToPath(new URL('./watchdog.ts', import.meta.url));
  const child = spawn(process.execPath, [program, folder], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // A signal to our group of processes must not end it too.
  });
  child.unref();
  child.stdin.on('error', () => {}); // Someone ended the watchdog; the tests need not fail for it.
  return child.stdin;
}
