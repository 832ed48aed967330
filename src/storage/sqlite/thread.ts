import { parentPort, workerData } from 'node:worker_threads';
import { decodeBatch } from './batch-message.ts';
import type { ConnectionOptions, ThreadFailure, ThreadRequest, ThreadResponse } from './connection.ts';
import { SqliteDatabase } from './database.ts';
import { BatchWriter } from './write-batch.ts';

/** The thread that a SQLite connection lives in: answers requests one after the other. */
const options = workerData as ConnectionOptions;
let opened: { readonly database: SqliteDatabase; readonly writer: BatchWriter } | null = null;

parentPort?.on('message', (request: ThreadRequest) => {
  parentPort?.postMessage(answer(request));
});

function answer(request: ThreadRequest): ThreadResponse {
  try {
    return { id: request.id, value: perform(request) };
  } catch (error) {
    return { id: request.id, failure: failureOf(error) };
  }
}

function perform(request: ThreadRequest): unknown {
  if (request.method === 'close') return opened?.database.close();
  const { database, writer } = open();
  switch (request.method) {
    case 'execute':
      return database.execute(request.sql, request.parameters);
    case 'executeScript':
      return database.executeScript(request.sql);
    case 'write':
      return writer.write(decodeBatch(request.batch));
  }
}

/** On the first request, so that a file that cannot be opened is that request's error. */
function open() {
  if (!opened) {
    const database = new SqliteDatabase(options.path, options);
    opened = { database, writer: new BatchWriter(database) };
  }
  return opened;
}

function failureOf(error: unknown): ThreadFailure {
  const errcode =
    error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : null;
  return { message: error instanceof Error ? error.message : String(error), errcode };
}
