import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { decodeBatch } from './batch-message.ts';
import type { ThreadFailure, ThreadOptions, ThreadRequest, ThreadResponse } from './connection.ts';
import { SqliteDatabase } from './database.ts';
import { BatchWriter } from './write-batch.ts';

/** The thread that a SQLite connection lives in: answers requests one after the other. */
const { doorbell, ...options } = workerData as ThreadOptions;
let database: SqliteDatabase | null = null;
let writer: BatchWriter | null = null;

if (parentPort) answerUntilClosed(parentPort);

/**
 * Sleeps on the doorbell and not in the event loop, which this thread needs for nothing else: it wakes in a fraction of
 * the time, and a lone call is two wakings and one commit.
 */
function answerUntilClosed(port: MessagePort): void {
  for (let isOpen = true; isOpen; ) {
    const rung = Atomics.load(doorbell, 0);
    const next: { message: ThreadRequest } | undefined = receiveMessageOnPort(port);
    if (next) {
      port.postMessage(answer(next.message));
      isOpen = next.message.method !== 'close';
    } else {
      Atomics.wait(doorbell, 0, rung);
    }
  }
}

function answer(request: ThreadRequest): ThreadResponse {
  try {
    return { id: request.id, value: perform(request) };
  } catch (error) {
    return { id: request.id, failure: failureOf(error) };
  }
}

function perform(request: ThreadRequest): unknown {
  if (request.method === 'close') return database?.close();
  // On the first request, so that a file that cannot be opened is that request's error.
  database ??= new SqliteDatabase(options.path, options);
  switch (request.method) {
    case 'execute':
      return database.execute(request.sql, request.parameters);
    case 'executeScript':
      return database.executeScript(request.sql);
    case 'write':
      writer ??= new BatchWriter(database);
      return writer.write(decodeBatch(request.batch));
  }
}

function failureOf(error: unknown): ThreadFailure {
  const errcode =
    error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : null;
  return { message: error instanceof Error ? error.message : String(error), errcode };
}
