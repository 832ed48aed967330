import { describe, expect, test } from 'vitest';
import { ERRORS } from '../../src/core/errors.ts';
import { remedyOf } from '../../src/http/remedies.ts';
import { errorCodes } from '../../src/http/wire/common.ts';
import { UsageError } from '../../src/index.ts';
import { createServed } from './served.ts';

/** A busy machine takes its time. */
const PATIENT = { timeout: 30_000 };

/** Sends an increment, of which a part is wrong, as the text that a client would write. */
async function createSender() {
  const served = createServed();
  const key = await served.createKey(['write', 'read']);
  const admin = await served.createKey(['admin']);
  return {
    ...served,
    key,
    admin,
    record: (body: string, headers: Record<string, string> = {}) =>
      served.send('POST', '/v1/usage', {
        key,
        body,
        headers: { 'content-type': 'application/json', ...headers },
      }),
    nothingIsThere: async () => expect((await served.usage.accounts.list()).accounts).toEqual([]),
  };
}

describe('a quantity', () => {
  test.each([
    '-1',
    '1.5',
    'NaN',
    'Infinity',
    '-Infinity',
    '1e308',
    '9007199254740992',
    '1000000000000000',
    '"10"',
    '""',
    'null',
    'true',
    '[1]',
    '{}',
    '"1e3"',
    '"0x10"',
    '0x10',
    '10n',
    '"٣"',
    '٣',
    '1e-1',
  ])('of %s is refused, and nothing is written', async (quantity) => {
    const { record, nothingIsThere, errors } = await createSender();
    const { status, json } = await record(`{"account":"a","quantity":${quantity}}`);
    expect([status, json.status]).toEqual([400, 400]);
    expect(['invalid_quantity', 'invalid_json']).toContain(json.code);
    await nothingIsThere();
    expect(errors).toEqual([]);
  });

  test('of 0 is accepted and records nothing', async () => {
    const { record, nothingIsThere } = await createSender();
    expect((await record('{"account":"a","quantity":0}')).json).toEqual({
      recorded: false,
      duplicate: false,
    });
    await nothingIsThere();
  });
});

const BAD_IDS = [
  '""',
  '" "',
  '" a"',
  '"a "',
  '"a\\u0000b"',
  `"${'x'.repeat(256)}"`,
  '"\\ud800"',
  '"a\\nb"',
  '"a\\rb"',
  '"a\\u2028b"',
  '"a\\u202eb"',
  '{"id":1}',
  '["a"]',
  '1',
  'null',
  'true',
];

describe('an id', () => {
  test.each(BAD_IDS)('of %.40s is refused as an account', async (account) => {
    const { record, nothingIsThere } = await createSender();
    const { status, json } = await record(`{"account":${account}}`);
    expect([status, json.code, json.field]).toEqual([400, 'invalid_account', 'account']);
    await nothingIsThere();
  });

  test.each(BAD_IDS)('of %.40s is refused as an idempotency key', async (key) => {
    const { record, nothingIsThere } = await createSender();
    const { status, json } = await record(`{"account":"a","idempotency_key":${key}}`);
    expect([status, json.code]).toEqual([400, 'invalid_idempotency_key']);
    await nothingIsThere();
  });

  test.each(['', '%20', 'a%00b', 'a%0Ab', 'a%E2%80%AEb', 'x'.repeat(256)])(
    'of %.40s is refused in a query',
    async (account) => {
      const { get, key } = await createSender();
      const { status, json } = await get(`/v1/usage?account=${account}`, key);
      expect([status, json.code]).toEqual([400, 'invalid_account']);
    },
  );
});

describe('an instant', () => {
  test.each([
    '2025-02-29',
    '2026-13-01',
    '2026-01-10T24:01:00Z',
    '2026-01-10T12:00:00',
    '0000-01-01',
    '2026-01-10T12:05:00.001Z',
    '2025-12-06T11:59:59Z',
    '3026-01-10',
    '1768046400',
    '',
    'now',
  ])('of %j is refused as a timestamp', async (timestamp) => {
    const { record, nothingIsThere } = await createSender();
    const { status, json } = await record(JSON.stringify({ account: 'a', timestamp }));
    expect([status, json.code, json.field]).toEqual([400, 'invalid_timestamp', 'timestamp']);
    await nothingIsThere();
  });

  test('in seconds or milliseconds is not guessed', async () => {
    const { record } = await createSender();
    for (const timestamp of [1_768_046_400, 1_768_046_400_000]) {
      const { status, json } = await record(JSON.stringify({ account: 'a', timestamp }));
      expect([status, json.code]).toEqual([400, 'invalid_timestamp']);
    }
  });

  test.each([
    'period_start=2026-01-11&period_end=2026-01-10',
    'period_start=2026-01-10&period_end=2026-01-10',
    'period_start=2026-01-10',
    'period_end=2026-01-10',
    'period_start=2025-02-29&period_end=2026-01-10',
    'period_start=1026-01-10&period_end=2026-01-10',
    'period_start=2026-01-10&period_end=2999-01-10',
    'period_start=1768046400&period_end=1768046401',
  ])('is refused in the range %s', async (range) => {
    const { get, key, usage } = await createSender();
    await usage.increment({ account: 'a' });
    for (const path of ['/v1/usage?', '/v1/usage/windows?window=day&']) {
      const { status, json } = await get(`${path}account=a&${range}`, key);
      expect([status, json.code]).toEqual([400, 'invalid_period']);
    }
  });

  test.each(['time_zone=Mars/X', 'time_zone=', 'time_zone=..%2F..%2Fetc', 'window=week', 'window='])(
    'is not shown in windows of %s',
    async (wrong) => {
      const { get, key, usage } = await createSender();
      await usage.increment({ account: 'a' });
      const window = wrong.startsWith('window') ? '' : 'window=day&';
      const { status, json } = await get(`/v1/usage/windows?account=a&${window}${wrong}`, key);
      expect([status, json.code]).toEqual([400, 'invalid_window']);
    },
  );
});

describe('a body', () => {
  test.each([
    ['truncated', '{"account":"a"'],
    ['with a key twice', '{"account":"a","quantity":1,"quantity":100}'],
    ['with a key twice in other spelling', '{"account":"a","quantity":1,"quantit\\u0079":100}'],
    ['nested 10,000 deep', '['.repeat(10_000) + ']'.repeat(10_000)],
    ['that is empty', ''],
    ['that is XML', '<usage account="a"/>'],
  ])('%s is refused', async (_, body) => {
    const { record, nothingIsThere } = await createSender();
    const { status, json } = await record(body);
    expect([status, json.code]).toEqual([400, 'invalid_json']);
    await nothingIsThere();
  });

  test.each(['[]', 'null', '"a"', '1', 'true'])('of %s is refused', async (body) => {
    const { record } = await createSender();
    const { status, json } = await record(body);
    expect([status, json.code]).toEqual([400, 'invalid_parameter']);
  });

  test.each(['quantitiy', '__proto__', 'constructor', 'toString'])(
    'with the unknown field %s is refused',
    async (field) => {
      const { record, nothingIsThere } = await createSender();
      const { status, json } = await record(`{"account":"a",${JSON.stringify(field)}:{"quantity":5}}`);
      expect([status, json.code, json.field]).toEqual([400, 'invalid_parameter', field]);
      expect(({} as { quantity?: number }).quantity).toBeUndefined();
      await nothingIsThere();
    },
  );

  test('that is not UTF-8 is refused', async () => {
    const { usage, key, nothingIsThere } = await createSender();
    const body = Buffer.concat([Buffer.from('{"account":"a'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const request = new Request('http://localhost/v1/usage', { method: 'POST', headers, body });
    const response = await usage.handler(request);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      400,
      'invalid_json',
    ]);
    await nothingIsThere();
  });

  test('of 2 MB is refused, announced or not', async () => {
    const { usage, key, record } = await createSender();
    const text = JSON.stringify({ account: 'a', properties: { x: 'y'.repeat(2_000_000) } });
    expect(await record(text)).toMatchObject({ status: 413, json: { code: 'body_too_large' } });
    let pulled = 0;
    const body = new ReadableStream({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
    });
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body, duplex: 'half' } as const;
    const response = await usage.handler(new Request('http://localhost/v1/usage', init));
    expect(response.status).toBe(413);
    expect(pulled).toBeLessThan(20);
  });

  test('of just 1 MB is read, and of a byte more is not', async () => {
    const { record } = await createSender();
    const body = (bytes: number) => '{"account":"a"}'.padEnd(bytes);
    expect((await record(body(1_048_576))).status).toBe(200);
    expect((await record(body(1_048_577))).status).toBe(413);
  });

  test('that does not arrive within ten seconds is not waited for', async () => {
    const { usage, key, clock } = await createSender();
    const body = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('{"account"')) });
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body, duplex: 'half' } as const;
    const answer = usage.handler(new Request('http://localhost/v1/usage', init));
    let status = 0;
    void answer.then((response) => {
      status = response.status;
    });
    await expect
      .poll(() => {
        clock.advance(1_000);
        return status;
      }, PATIENT)
      .toBe(408);
  });

  test.each([
    ['text/xml', {}],
    ['text/plain', {}],
    ['application/x-www-form-urlencoded', {}],
    ['multipart/form-data; boundary=x', {}],
    ['application/json; charset=utf-16', {}],
    ['application/jsonp', {}],
    ['application/json', { 'content-encoding': 'gzip' }],
    ['application/json', { 'content-encoding': 'identity, gzip' }],
  ])('announced as %s %j is refused', async (type, headers) => {
    const { record, nothingIsThere } = await createSender();
    const { status, json } = await record('{"account":"a"}', { 'content-type': type, ...headers });
    expect([status, json.code]).toEqual([415, 'unsupported_media_type']);
    await nothingIsThere();
  });

  test('announced as JSON in any spelling is read', async () => {
    const { record } = await createSender();
    for (const type of [
      'application/json',
      'Application/JSON; charset=UTF-8',
      'application/json;charset="utf-8"',
    ]) {
      expect((await record('{"account":"a"}', { 'content-type': type })).status).toBe(200);
    }
  });
});

describe('what is wrong is told in words for somebody who writes JSON', () => {
  test.each([
    ['{"quantity":1}', 'account is missing: The account id is not usable as an id.'],
    ['{"account":""}', 'account: It is empty.'],
    ['{"account":1}', 'account: It is not a text.'],
    [`{"account":"${'x'.repeat(256)}"}`, 'account: It is longer than 255 characters.'],
    ['{"account":"a","quantity":"1"}', 'quantity: It is not a number.'],
    ['{"account":"a","quantity":1.5}', 'quantity: It is not a whole number.'],
    ['{"account":"a","quantity":-1}', 'quantity: It is less than 0.'],
    ['{"account":"a","quantity":1e15}', 'quantity: It is more than 999,999,999,999,999.'],
    ['{"account":"a","properties":[]}', 'properties an array: The properties are not a small, flat object.'],
    [
      '{"account":"a","properties":{"b":{}}}',
      'properties an object: The properties are not a small, flat object.',
    ],
    ['{"account":"a","acount":"a"}', 'acount: It is not known here.'],
    ['[]', 'body: It is not an object.'],
  ])('such as %.50s', async (body, detail) => {
    const { record } = await createSender();
    expect((await record(body)).json.detail).toBe(detail);
  });

  test('item by item', async () => {
    const { post, key } = await createSender();
    const increments = [{ quantity: 1 }, { account: 'a', timestamp: 'now' }];
    const { json } = await post('/v1/usage/batch', key, { increments });
    const [unnamed, undated] = json.results.map(({ error }: { readonly error: unknown }) => error);
    expect(unnamed.detail).toBe('account is missing: The account id is not usable as an id.');
    expect(undated.remedy).toBe(
      "Send an ISO 8601 instant with its zone, such as '2026-10-10T12:00:00Z', within that window.",
    );
    const none = await post('/v1/usage/batch', key, { increments: [] });
    expect(none.json.detail).toBe('increments: It is empty.');
  });

  test.each([
    ['/v1/accounts?limit=x', 'limit: It is not a whole number from 1 to 1,000.'],
    ['/v1/accounts?limit=1001', 'limit: It is more than 1,000.'],
    ['/v1/invoices?account=a&limit=0', 'limit: It is not a whole number from 1 to 100.'],
    ['/v1/explanations/report?account=a&report=0', 'report: It is not a whole number from 1.'],
    ['/v1/explanations/report?account=a', 'report: It is missing.'],
    [
      '/v1/limits/check?account=a&quantity=x',
      'quantity: It is not a whole number from 0 to 999,999,999,999,999.',
    ],
    ['/v1/usage/windows?account=a&window=week', 'window: It is none of hour, day, month.'],
    [
      '/v1/usage?account=a&period_start=2026-01-10',
      'period_end is missing: The range is not two dates with the first before the second.',
    ],
  ])('in the query %s', async (path, detail) => {
    const { get, admin } = await createSender();
    expect((await get(path, admin)).json.detail).toBe(detail);
  });

  test('and what to do about it is not for whoever writes the app', () => {
    for (const code of errorCodes) {
      if ([400, 404].includes(ERRORS[code].status) || code === 'late_usage') {
        expect(remedyOf(code)).not.toMatch(/createUsage|usage\.\w+|\bDate\b|\bmethod/);
      }
    }
    expect(new UsageError('invalid_meter').remedy).toContain('createUsage()');
  });

  test('also where the reference page lists it', async () => {
    const { text } = await createServed().get('/reference');
    expect(text).toContain('Send the name of one of the meters that the app counts.');
    expect(text).not.toContain(ERRORS.invalid_meter.remedy);
  });
});

describe('a batch', () => {
  const send = async (body: unknown) => {
    const { post, key } = await createSender();
    return await post('/v1/usage/batch', key, body);
  };

  test('of nothing is refused', async () => {
    expect(await send({ increments: [] })).toMatchObject({
      status: 400,
      json: { code: 'invalid_parameter' },
    });
    expect(await send({})).toMatchObject({ status: 400 });
    expect(await send([])).toMatchObject({ status: 400 });
  });

  test('of 1,000 items is taken, of 1,001 it is refused as a whole', async () => {
    const { post, key, usage } = await createSender();
    const items = (count: number) => ({
      increments: Array.from({ length: count }, () => ({ account: 'a' })),
    });
    expect(await post('/v1/usage/batch', key, items(1_000))).toMatchObject({
      status: 200,
      json: { recorded: 1_000 },
    });
    const refused = await post('/v1/usage/batch', key, items(1_001));
    expect([refused.status, refused.json.code]).toEqual([413, 'batch_too_large']);
    expect((await usage.get({ account: 'a' })).quantity).toBe(1_000);
  });
});

describe('properties', () => {
  test.each([
    '{"__proto__":{"polluted":1}}',
    '{"a":1,"__proto__":[]}',
    '{"constructor":{}}',
    '{"a":[1]}',
    '[]',
    '"a"',
    'null',
  ])('of %s are refused, alone and in a batch, in the same words', async (properties) => {
    const { record, post, key, nothingIsThere } = await createSender();
    const increment = `{"account":"a","properties":${properties}}`;
    const { status, json } = await record(increment);
    expect([status, json.code, json.field]).toEqual([400, 'invalid_properties', 'properties']);
    const batch = await post('/v1/usage/batch', key, `{"increments":[${increment}]}`);
    expect(batch.json.results).toMatchObject([{ error: { code: json.code, detail: json.detail } }]);
    await nothingIsThere();
  });
});

const LITERALS = [
  "'; DROP TABLE usage; --",
  '__proto__',
  'constructor',
  '<img src=x onerror=alert(1)>',
  '=cmd()',
  '../../x',
  '👩‍🚀',
  'é',
  'e\u0301',
  'a&account=b',
  '%2e%2e',
  'a?b#c',
];

test('what looks like something else is a name like any other', async () => {
  const { record, post, get, key, admin, usage } = await createSender();
  for (const [index, account] of LITERALS.entries()) {
    const body = {
      account,
      quantity: index + 1,
      idempotency_key: account,
      properties: { [account]: account },
    };
    expect((await record(JSON.stringify(body))).json).toEqual({ recorded: true, duplicate: false });
    // Whatever is left out of one of them would be a conflict.
    const again = await post('/v1/usage/batch', key, { increments: [body] });
    expect(again.json.results).toEqual([{ recorded: false, duplicate: true }]);
    const report = `/v1/explanations/report?account=${encodeURIComponent(account)}&report=1`;
    const [entry] = (await get(report, admin)).json.entries.page;
    expect(Object.entries(entry.properties)).toEqual([[account, account]]);
  }
  for (const [index, account] of LITERALS.entries()) {
    const { json } = await get(`/v1/usage?account=${encodeURIComponent(account)}`, key);
    expect([json.account, json.quantity]).toEqual([account, index + 1]);
  }
  expect((await usage.accounts.list()).accounts).toHaveLength(LITERALS.length);
});

describe('a query', () => {
  test.each([
    ['/v1/usage?account=a&acount=b', 'invalid_parameter'],
    ['/v1/usage?account=a&account=b', 'invalid_parameter'],
    ['/v1/usage?account=a&__proto__=b', 'invalid_parameter'],
    ['/v1/usage?account=%FF', 'invalid_parameter'],
    ['/v1/usage?account=a%C3', 'invalid_parameter'],
    ['/v1/usage?account=%ED%A0%80', 'invalid_parameter'],
    ['/v1/usage?account=a%C3&meter=credits', 'invalid_parameter'],
    ['/v1/usage?account=100%', 'invalid_parameter'],
    ['/v1/usage?%FF=a', 'invalid_parameter'],
    ['/v1/plans?x=1', 'invalid_parameter'],
    ['/v1/usage?account=a&meter=tokens', 'invalid_meter'],
    ['/v1/usage?account=a&meter=__proto__', 'invalid_meter'],
    ['/v1/accounts?limit=0', 'invalid_parameter'],
    ['/v1/accounts?limit=1001', 'invalid_parameter'],
    ['/v1/accounts?limit=1e2', 'invalid_parameter'],
    ['/v1/accounts?limit=%D9%A3', 'invalid_parameter'],
    ['/v1/reports?status=lost', 'invalid_parameter'],
    ['/v1/reports?after=%7B%7D', 'invalid_parameter'],
    ['/v1/explanations/report?account=a&report=0', 'invalid_parameter'],
    ['/v1/explanations/report?account=a&report=1.5', 'invalid_parameter'],
  ])('%s is refused', async (path, code) => {
    const { get, admin, usage } = await createSender();
    // What stands for a byte that is not UTF-8, where it is read leniently.
    for (const account of ['a', 'a\ufffd', '\ufffd', '100%']) await usage.increment({ account });
    const { status, json } = await get(path, admin);
    expect([status, json.code]).toEqual([400, code]);
  });

  test('has what it was encoded from', async () => {
    const { get, admin, usage } = await createSender();
    for (const account of ['\ufffd', 'é +%', '+']) {
      await usage.increment({ account });
      const { json } = await get(`/v1/usage?account=${encodeURIComponent(account)}`, admin);
      expect(json.account).toBe(account);
    }
    expect((await get('/v1/usage?account=%C3%A9+%2B%25', admin)).json.account).toBe('é +%');
  });

  test('of lists goes page by page', async () => {
    const { get, admin, usage } = await createSender();
    for (const account of ['a', 'b', 'c']) await usage.accounts.set({ account });
    const first = await get('/v1/accounts?limit=2', admin);
    const second = await get(`/v1/accounts?limit=2&after=${first.json.next}`, admin);
    const names = [...first.json.accounts, ...second.json.accounts].map(
      ({ account }: { readonly account: string }) => account,
    );
    expect([names, second.json.next]).toEqual([['a', 'b', 'c'], null]);
  });
});

describe('a method', () => {
  test.each([
    ['DELETE', '/v1/usage', 'GET, HEAD, OPTIONS, POST'],
    ['PUT', '/v1/plans', 'GET, HEAD, OPTIONS'],
    ['GET', '/v1/usage/batch', 'OPTIONS, POST'],
    ['POST', '/healthz', 'GET, HEAD, OPTIONS'],
    ['PATCH', '/openapi.json', 'GET, HEAD, OPTIONS'],
  ])('%s on %s is refused, and the others are named', async (method, path, allowed) => {
    const { send } = createServed();
    const answer = await send(method, path);
    expect([answer.status, answer.json.code]).toEqual([405, 'method_not_allowed']);
    expect(answer.headers.get('allow')?.split(', ').sort().join(', ')).toBe(allowed);
  });

  test('HEAD answers as GET without a body', async () => {
    const { send } = createServed();
    const answer = await send('HEAD', '/healthz');
    expect([answer.status, answer.text]).toEqual([200, '']);
  });

  test.each(['/v2/usage', '/v1/usage/', '/v1', '/..%2f..%2fetc/passwd', '/v1/USAGE', '//v1/usage'])(
    'on %s, which is nowhere, is refused',
    async (path) => {
      const { get } = createServed();
      expect(await get(path)).toMatchObject({ status: 404, json: { code: 'route_not_found' } });
    },
  );
});

test('the same key with other content is a conflict, and changes nothing', async () => {
  const { record, usage } = await createSender();
  await record('{"account":"a","quantity":1,"idempotency_key":"k"}');
  const { status, json } = await record('{"account":"a","quantity":2,"idempotency_key":"k"}');
  expect([status, json.code]).toEqual([409, 'idempotency_conflict']);
  expect((await usage.get({ account: 'a' })).quantity).toBe(1);
});
