import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { openBaseline } from './baseline.ts';

const { path, doorbell }: { readonly path: string; readonly doorbell: Int32Array } = workerData;
const { database, update } = openBaseline(path);
database.exec(`CREATE TABLE usage_event (event_id INTEGER NOT NULL PRIMARY KEY, account_id TEXT NOT NULL,
  quantity INTEGER NOT NULL, recorded_at INTEGER NOT NULL) STRICT`);
database.exec('CREATE TABLE usage_flush (flush_id TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID');
const begin = database.prepare('BEGIN IMMEDIATE');
const insertEvent = database.prepare(
  'INSERT INTO usage_event (account_id, quantity, recorded_at) VALUES (?, 1, 0)',
);
const insertFlush = database.prepare('INSERT INTO usage_flush VALUES (?)');
const commit = database.prepare('COMMIT');

for (let flushes = 0; parentPort; ) {
  const rung = Atomics.load(doorbell, 0);
  const next: { message: string } | undefined = receiveMessageOnPort(parentPort);
  if (next) {
    flushes += 1;
    begin.run();
    update.run(1, next.message);
    insertEvent.run(next.message);
    insertFlush.run(String(flushes).padStart(36, '0'));
    commit.run();
    parentPort.postMessage(null);
  } else {
    Atomics.wait(doorbell, 0, rung);
  }
}
