import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { CommitUnknownError } from '../../core/store.ts';
import { isFromServer, type PostgresClient, Session, UnreachableError } from './session.ts';

class FakeClient extends EventEmitter implements PostgresClient {
  readonly released: (boolean | undefined)[] = [];
  query(): Promise<never> {
    return Promise.reject(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  }
  release(destroy?: boolean): void {
    this.released.push(destroy);
  }
}

test('an error of a connection that comes together with it does not end the process', async () => {
  const client = new FakeClient();
  const session = await Session.open({
    connect: (callback) => {
      callback(undefined, client);
      client.emit('error', new Error('terminating connection due to administrator command'));
    },
    end: async () => {},
  });
  await expect(session.query('SELECT 1')).rejects.toThrow(CommitUnknownError);
  session.release();
  expect(client.released).toEqual([true]);
  expect(client.listenerCount('error')).toBe(0);
});

test('an error of the system, whose code looks like a SQLSTATE, leaves open what became of the statement', async () => {
  const client = new FakeClient();
  const session = await Session.open({ connect: async () => client, end: async () => {} });
  const error = await session.query('SELECT 1').catch((reason: Error) => reason);
  expect(error).toBeInstanceOf(CommitUnknownError);
  expect(isFromServer(error instanceof Error && error.cause)).toBe(false);
  session.release();
  expect(client.released).toEqual([true]);
});

test('a pool that throws or rejects could not be reached', async () => {
  const end = async () => {};
  const thrown = new TypeError('Invalid URL');
  const throwing = Session.open({
    connect: () => {
      throw thrown;
    },
    end,
  });
  await expect(throwing).rejects.toThrow(UnreachableError);
  await expect(throwing).rejects.toHaveProperty('cause', thrown);
  const rejecting = Session.open({ connect: (callback) => callback(thrown, undefined), end });
  await expect(rejecting).rejects.toHaveProperty('cause', thrown);
});
