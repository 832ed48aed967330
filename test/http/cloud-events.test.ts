import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { OpenMeter } from '@openmeter/sdk';
import { describe, expect, onTestFinished, test } from 'vitest';
import { toNodeHandler } from '../../src/http/node.ts';
import { UsageError } from '../../src/index.ts';
import { composeUsage } from '../../src/usage.ts';
import { temporaryDirectory } from '../support/folders.ts';
import { createServed, type ServedOptions } from './served.ts';

const EVENT = { specversion: '1.0', id: 'e1', source: 'app', type: 'credits', subject: 'a' };
const STRUCTURED = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';

async function createReceiver(http: ServedOptions['http'] = {}) {
  const served = createServed({ http });
  const key = await served.createKey(['write']);
  return {
    ...served,
    key,
    event: (body: unknown, type = STRUCTURED, path = '/v1/events') =>
      served.post(path, key, body, { 'content-type': type }),
    quantityOf: async (account: string) =>
      (await served.usage.get({ account, period_start: '2026-01-01', period_end: '2026-02-01' })).quantity,
  };
}

describe('an event', () => {
  test('whose type is a meter counts one, or what its data says', async () => {
    const { event, quantityOf } = await createReceiver();
    const { status, json } = await event(EVENT);
    expect([status, json]).toEqual([
      200,
      { recorded: 1, duplicate: 0, failed: 0, results: [{ recorded: true, duplicate: false }] },
    ]);
    await event({ ...EVENT, id: 'e2', data: { quantity: 10 } });
    await event({ ...EVENT, id: 'e3', data: { quantity: '100' } });
    await event({ ...EVENT, id: 'e4', data: { other: 5 } });
    expect(await quantityOf('a')).toBe(112);
  });

  test('counts what the configuration says of its type', async () => {
    const { event, quantityOf } = await createReceiver({
      cloud_events: {
        'llm.call': { meter: 'credits', account: 'data.customer.id', quantity: 'data.usage.tokens' },
        request: { meter: 'credits', quantity: 3 },
      },
    });
    const data = { customer: { id: 'b' }, usage: { tokens: 250 } };
    await event({ ...EVENT, type: 'llm.call', data });
    await event({ ...EVENT, id: 'e2', type: 'request', subject: 'b', data: { quantity: 99 } });
    expect(await quantityOf('b')).toBe(253);
    const missing = await event({ ...EVENT, id: 'e3', type: 'llm.call', data: { customer: { id: 'b' } } });
    expect(missing).toMatchObject({
      status: 400,
      json: { code: 'invalid_cloud_event', field: 'data.usage.tokens' },
    });
  });

  test('counts once by its source and id, in whatever mode it comes again', async () => {
    const { event, quantityOf, send, key } = await createReceiver();
    await event(EVENT);
    expect((await event([EVENT, { ...EVENT, source: 'other' }], BATCH)).json).toMatchObject({
      recorded: 1,
      duplicate: 1,
    });
    const binary = await send('POST', '/v1/events', {
      key,
      body: null,
      headers: {
        'content-type': 'application/json',
        'ce-specversion': '1.0',
        'ce-id': 'e1',
        'ce-source': 'app',
        'ce-type': 'credits',
        'ce-subject': 'a',
      },
    });
    expect(binary.json).toMatchObject({ duplicate: 1 });
    expect(await quantityOf('a')).toBe(2);
  });

  test('in binary mode has its attributes in headers, percent-encoded', async () => {
    const { send, key, quantityOf } = await createReceiver();
    const headers = {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': 'e1',
      'ce-source': 'app',
      'ce-type': 'credits',
      'ce-subject': 'K%C3%B6ln',
      'ce-time': '2026-01-10T11:00:00z',
    };
    expect((await send('POST', '/v1/events', { key, body: { quantity: 4 }, headers })).json.recorded).toBe(1);
    expect(await quantityOf('Köln')).toBe(4);
    // As bytes arrive that were not encoded: these of é.
    for (const subject of ['%', '%ff', 'Ã©']) {
      const broken = await send('POST', '/v1/events', {
        key,
        body: {},
        headers: { ...headers, 'ce-subject': subject },
      });
      expect(broken.json).toMatchObject({ code: 'invalid_cloud_event', field: 'ce-subject' });
    }
  });

  test('with extension attributes is counted', async () => {
    const { event } = await createReceiver();
    const more = {
      traceparent: '00-x',
      datacontenttype: 'application/json',
      dataschema: 'https://example.com',
    };
    expect((await event({ ...EVENT, ...more })).json.recorded).toBe(1);
  });

  test.each([
    [{ specversion: '0.3' }, 'invalid_cloud_event', 'specversion'],
    [{ specversion: undefined }, 'invalid_cloud_event', 'specversion'],
    [{ id: '' }, 'invalid_cloud_event', 'id'],
    [{ id: 1 }, 'invalid_cloud_event', 'id'],
    [{ source: undefined }, 'invalid_cloud_event', 'source'],
    [{ source: 'x'.repeat(1_025) }, 'invalid_cloud_event', 'source'],
    [{ id: ' e1' }, 'invalid_cloud_event', 'id'],
    [{ id: 'a\u0000b' }, 'invalid_cloud_event', 'id'],
    [{ id: 'a\nb' }, 'invalid_cloud_event', 'id'],
    [{ id: 'a\u202eb' }, 'invalid_cloud_event', 'id'],
    [{ id: '\ud800' }, 'invalid_cloud_event', 'id'],
    [{ source: 'a\rb' }, 'invalid_cloud_event', 'source'],
    [{ source: 'a\u2066b' }, 'invalid_cloud_event', 'source'],
    [{ type: 'unknown' }, 'invalid_cloud_event', 'type'],
    [{ type: '__proto__' }, 'invalid_cloud_event', 'type'],
    [{ type: 'constructor' }, 'invalid_cloud_event', 'type'],
    [{ data: [1] }, 'invalid_cloud_event', 'data'],
    [{ data: 'text' }, 'invalid_cloud_event', 'data'],
    // {"quantity":500}, which must not count as one.
    [{ data_base64: 'eyJxdWFudGl0eSI6NTAwfQ==' }, 'invalid_cloud_event', 'data_base64'],
    [{ data_base64: '', data: { quantity: 5 } }, 'invalid_cloud_event', 'data_base64'],
    [{ subject: undefined }, 'invalid_account', 'account'],
    [{ subject: 7 }, 'invalid_account', 'account'],
    [{ time: '2020-01-01T00:00:00Z' }, 'invalid_timestamp', 'timestamp'],
    [{ time: 1 }, 'invalid_timestamp', 'timestamp'],
    [{ time: null }, 'invalid_timestamp', 'timestamp'],
    [{ data: { quantity: -1 } }, 'invalid_quantity', 'quantity'],
    [{ data: { quantity: '1e3' } }, 'invalid_quantity', 'quantity'],
    [{ data: { quantity: '٣' } }, 'invalid_quantity', 'quantity'],
    [{ data: { quantity: null } }, 'invalid_quantity', 'quantity'],
  ])('with %j is refused by itself', async (wrong, code, field) => {
    const { event, usage } = await createReceiver();
    const good = { ...EVENT, id: 'good', subject: 'good' };
    const { status, json } = await event([{ ...EVENT, ...wrong }, good], BATCH);
    expect([status, json.recorded, json.failed]).toEqual([200, 1, 1]);
    expect(json.results[0].error).toMatchObject({ code, field });
    expect((await usage.accounts.list()).accounts.map(({ account }) => account)).toEqual(['good']);
  });

  test.each([
    [[], BATCH],
    [EVENT, BATCH],
    [[EVENT], STRUCTURED],
    [null, STRUCTURED],
    ['text', STRUCTURED],
  ])('%j announced as %s is refused', async (body, type) => {
    const { event } = await createReceiver();
    const { status, json } = await event(JSON.stringify(body), type);
    expect([status, json.code]).toEqual([400, 'invalid_cloud_event']);
  });
});

describe('one event that is refused fails the request, so that nobody takes it as delivered', () => {
  const BAD = { ...EVENT, data: { quantity: -1 } };

  test.each([STRUCTURED, 'application/json'])('announced as %s', async (type) => {
    const { event } = await createReceiver();
    const { status, json } = await event(BAD, type);
    expect([status, json.status, json.code, json.field]).toEqual([400, 400, 'invalid_quantity', 'quantity']);
  });

  test('in binary mode', async () => {
    const { post, key } = await createReceiver();
    const headers = {
      'ce-specversion': '1.0',
      'ce-id': 'e1',
      'ce-source': 'app',
      'ce-type': 'unknown',
      'ce-subject': 'a',
    };
    const { status, json } = await post('/v1/events', key, { quantity: 1 }, headers);
    expect([status, json.code, json.field]).toEqual([400, 'invalid_cloud_event', 'type']);
  });

  test('to OpenMeter’s route, without the place in a list', async () => {
    const { event } = await createReceiver();
    const { status, json } = await event(BAD, STRUCTURED, '/api/v1/events');
    expect([status, json.code, json.field]).toEqual([400, 'invalid_quantity', 'quantity']);
    expect((await event(EVENT, STRUCTURED, '/api/v1/events')).status).toBe(204);
  });

  test('where its key was used before for another, which no repetition will change', async () => {
    const { event, quantityOf } = await createReceiver();
    await event(EVENT);
    expect((await event(EVENT)).json).toMatchObject({ duplicate: 1, failed: 0 });
    const other = await event({ ...EVENT, data: { quantity: 5 } });
    expect([other.status, other.json.code]).toEqual([409, 'idempotency_conflict']);
    expect(await quantityOf('a')).toBe(1);
  });

  test('where its account is not that of the key', async () => {
    const { post, createKey } = await createReceiver();
    const key = await createKey(['write'], 'own');
    const answer = await post('/v1/events', key, EVENT, { 'content-type': STRUCTURED });
    expect([answer.status, answer.json.code]).toEqual([404, 'account_not_found']);
  });

  test('and not as one of a list, whose answer says it item by item', async () => {
    const { event } = await createReceiver();
    for (const type of [BATCH, 'application/json']) {
      const { status, json } = await event([BAD], type);
      expect([status, json.failed, json.results[0].error.code]).toEqual([200, 1, 'invalid_quantity']);
    }
  });
});

describe('a client of OpenMeter', () => {
  async function createClient() {
    const receiver = await createReceiver();
    const server = createServer(toNodeHandler((request) => receiver.usage.handler(request)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close().closeAllConnections());
    const { port } = server.address() as AddressInfo;
    const client = (apiKey: string) => new OpenMeter({ baseUrl: `http://127.0.0.1:${port}`, apiKey });
    return { ...receiver, client };
  }

  test('sends its events as it is, one or many, and they count once', async () => {
    const { client, key, quantityOf, clock } = await createClient();
    const openmeter = client(key);
    const time = new Date(clock.now() - 60_000);
    const event = (id: string, quantity: number) => ({
      id,
      source: 'sdk',
      type: 'credits',
      subject: 'om',
      time,
      data: { quantity },
    });
    await openmeter.events.ingest(event('1', 5));
    await openmeter.events.ingest([event('1', 5), event('2', 7)]);
    expect(await quantityOf('om')).toBe(12);
  });

  test('is told what is wrong, and may send all of it again', async () => {
    const { event, quantityOf } = await createReceiver();
    const events = [
      { ...EVENT, id: '1' },
      { ...EVENT, id: '2', data: { quantity: -1 } },
      { ...EVENT, id: '3' },
    ];
    const path = '/api/v1/events';
    const refused = await event(events, BATCH, path);
    expect([refused.status, refused.json.code, refused.json.field]).toEqual([
      400,
      'invalid_quantity',
      '[1].quantity',
    ]);
    const [one, , three] = events;
    expect((await event([one, { ...EVENT, id: '2' }, three], BATCH, path)).status).toBe(204);
    expect(await quantityOf('a')).toBe(3);
  });

  test('is told to try again where one of its events is wrong and the database fails for another', async () => {
    const usage = composeUsage(
      {
        database: { path: join(temporaryDirectory(), 'usage.db'), thread: 'in_thread' },
        meters: { credits: {} },
        onError: () => {},
        logger: { debug() {}, info() {}, warn() {}, error() {} },
      },
      {
        provider: (provider) => provider,
        store: (store) => ({
          ...store,
          recordUsage: () => Promise.reject(new UsageError('storage_busy')),
        }),
      },
    );
    onTestFinished(() => usage.close());
    const { secret } = await usage.keys.create({ scopes: ['write'] });
    const events = [
      { ...EVENT, data: { quantity: -1 } },
      { ...EVENT, id: 'e2' },
    ];
    const request = new Request('http://localhost/api/v1/events', {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': BATCH },
      body: JSON.stringify(events),
    });
    const response = await usage.handler(request);
    expect([response.status, await response.json()]).toMatchObject([
      503,
      { code: 'storage_busy', field: '[1]' },
    ]);
  });

  test('with a wrong key is refused', async () => {
    const { client, usage } = await createClient();
    const event = { id: '1', source: 'sdk', type: 'credits', subject: 'om' };
    await expect(client('tbk_wrong').events.ingest(event)).rejects.toThrow();
    expect((await usage.accounts.list()).accounts).toEqual([]);
  });
});
