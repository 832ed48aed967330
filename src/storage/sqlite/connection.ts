import { Worker } from 'node:worker_threads';
import { CommitUnknownError } from '../../core/store.ts';
import { decodeOutcomes, type FlushOutcome } from '../outcomes.ts';
import type { WriteParams } from '../write-path.ts';
import { encodeBatch } from './batch-message.ts';
import { SqliteDatabase, type StatementResult } from './database.ts';
import { threadFlags } from './thread-flags.ts';
import { BatchWriter } from './write-batch.ts';

/** A connection as the rest of the storage sees it, whichever thread it lives in. */
export interface SqliteConnection {
  execute(sql: string, parameters: readonly unknown[]): Promise<StatementResult>;
  executeScript(sql: string): Promise<void>;
  write(params: WriteParams): Promise<FlushOutcome[]>;
  /** Whether the thread has died, so that no call can succeed. */
  isLost(): boolean;
  close(): Promise<void>;
}

export interface ConnectionOptions {
  readonly path: string;
  readonly readonly: boolean;
}

/** A connection in this thread, which it blocks: for tests that must repeat exactly. */
export function connectInThread({ path, readonly }: ConnectionOptions): SqliteConnection {
  return connectTo(new SqliteDatabase(path, { readonly }));
}

/** The same to a database that is open. */
export function connectTo(database: SqliteDatabase): SqliteConnection {
  let writer: BatchWriter | null = null;
  return {
    execute: async (sql, parameters) => database.execute(sql, parameters),
    executeScript: async (sql) => database.executeScript(sql),
    write: async (params) => {
      writer ??= new BatchWriter(database);
      return decodeOutcomes(writer.write(params), params.entries.length);
    },
    isLost: () => false,
    close: async () => database.close(),
  };
}

/** What the thread begins with. */
export interface ThreadOptions extends ConnectionOptions {
  /** Counts the requests that were sent, so that a thread that sleeps on it wakes for each. */
  readonly doorbell: Int32Array<SharedArrayBuffer>;
}

/** What the thread is asked to do. */
export type ThreadRequest = { readonly id: number } & (
  | { readonly method: 'execute'; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly method: 'executeScript'; readonly sql: string }
  | { readonly method: 'write'; readonly batch: string }
  | { readonly method: 'close' }
);

/** An Error loses its own fields on the way between threads, so they travel beside it. */
export interface ThreadFailure {
  readonly message: string;
  readonly errcode: number | null;
}

export type ThreadResponse =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: ThreadFailure };

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

type RequestBody = ThreadRequest extends infer Request
  ? Request extends unknown
    ? Omit<Request, 'id'>
    : never
  : never;

/** A connection in a worker thread: waiting for the disk never stops the app's event loop. */
export function connectInWorker(options: ConnectionOptions): SqliteConnection {
  // Source runs as it is and the build keeps the files apart, so the neighbour has this file's ending.
  const thread = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);
  const doorbell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const execArgv = threadFlags(process.execArgv);
  const worker = new Worker(thread, {
    workerData: { ...options, doorbell } satisfies ThreadOptions,
    ...(execArgv ? { execArgv } : {}),
  });
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let stopped: Error | null = null;

  worker.on('message', (response: ThreadResponse) => {
    const caller = waiting.get(response.id);
    waiting.delete(response.id);
    // An idle connection does not keep the process alive; one with calls under way does.
    if (waiting.size === 0) worker.unref();
    if ('failure' in response)
      caller?.reject(Object.assign(new Error(response.failure.message), response.failure));
    else caller?.resolve(response.value);
  });
  const stop = (cause: unknown) => {
    stopped ??= new CommitUnknownError('The thread of the SQLite connection stopped.', { cause });
    for (const caller of waiting.values()) caller.reject(stopped);
    waiting.clear();
  };
  worker.on('error', stop);
  worker.on('exit', stop);
  worker.unref();

  function call(body: RequestBody): Promise<unknown> {
    if (stopped) return Promise.reject(stopped);
    return new Promise((resolve, reject) => {
      lastId += 1;
      if (waiting.size === 0) worker.ref();
      waiting.set(lastId, { resolve, reject });
      worker.postMessage({ ...body, id: lastId });
      Atomics.add(doorbell, 0, 1);
      Atomics.notify(doorbell, 0);
    });
  }

  return {
    execute: (sql, parameters) => call({ method: 'execute', sql, parameters }) as Promise<StatementResult>,
    executeScript: (sql) => call({ method: 'executeScript', sql }) as Promise<void>,
    write: async (params) => {
      const letters = await (call({ method: 'write', batch: encodeBatch(params) }) as Promise<string>);
      return decodeOutcomes(letters, params.entries.length);
    },
    isLost: () => stopped !== null,
    close: async () => {
      if (stopped) return;
      await call({ method: 'close' });
      await worker.terminate();
    },
  };
}
