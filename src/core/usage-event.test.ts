import { describe, expect, test } from 'vitest';
import { UsageError } from './errors.ts';
import { DAY_MS } from './instant.ts';
import { contentOf, parseIncrement } from './usage-event.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const METERS = { names: new Set(['credits']), default_meter: 'credits' };
const TWO_METERS = { names: new Set(['credits', 'tokens']), default_meter: null };

const parse = (params: unknown) => parseIncrement(params, METERS, NOW);

function refusalOf(params: unknown): UsageError {
  try {
    parse(params);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('It was accepted.');
}

test('the shortest call counts one unit of the only meter, now', () => {
  expect(parse({ account: 'account_id' })).toEqual({
    account_id: 'account_id',
    meter: 'credits',
    quantity: 1,
    idempotency_key: null,
    occurred_at: null,
    properties: null,
  });
});

test('an optional field that is undefined counts as left out', () => {
  const optional = {
    meter: undefined,
    quantity: undefined,
    idempotency_key: undefined,
    timestamp: undefined,
  };
  expect(parse({ account: 'a', ...optional })).toEqual(parse({ account: 'a' }));
});

describe('quantities', () => {
  const lone = (value: unknown) => ({ account: 'a', quantity: value });
  test.each([0, 1, 999_999_999_999_999])('%s is accepted', (quantity) => {
    expect(parse(lone(quantity)).quantity).toBe(quantity);
  });

  test('minus zero is zero', () => {
    expect(Object.is(parse(lone(-0)).quantity, 0)).toBe(true);
  });

  const refused = [
    -1,
    1.5,
    Number.NaN,
    Infinity,
    -Infinity,
    1e308,
    2 ** 53,
    1e15,
    '10',
    '',
    null,
    true,
    [1],
    {},
    '1e3',
    '0x10',
    2n ** 53n,
    5n,
    '٣',
  ];
  test.each(refused.map((value) => [value]))('%s is refused, by field, value and remedy', (value) => {
    const error = refusalOf(lone(value));
    expect(error).toMatchObject({ code: 'invalid_quantity', status: 400, field: 'quantity' });
    expect(error.value).toBeTypeOf('string');
    expect(error.message).toContain(error.remedy);
  });
});

describe('ids and keys', () => {
  const accepted = [
    "'; DROP TABLE usage; --",
    '__proto__',
    'constructor',
    '<img src=x onerror=alert(1)>',
    '=cmd()',
    '../../x',
    '👩‍🚀',
    'é',
    'e\u0301',
    'a b',
    'a'.repeat(255),
  ];
  test.each(accepted)('%s is a literal id', (id) => {
    expect(parse({ account: id, idempotency_key: id })).toMatchObject({
      account_id: id,
      idempotency_key: id,
    });
  });

  const refused = [
    '',
    ' ',
    ' a',
    'a ',
    'a\0b',
    'a'.repeat(256),
    '\ud800',
    'a\nb',
    'a\u2028b',
    'a\u202eb',
    {},
    [],
    ['a'],
    null,
    1,
    true,
  ];
  test.each(refused.map((value) => [value]))('%j is refused as an account and as a key', (value) => {
    expect(refusalOf({ account: value })).toMatchObject({ code: 'invalid_account', field: 'account' });
    expect(refusalOf({ account: 'a', idempotency_key: value })).toMatchObject({
      code: 'invalid_idempotency_key',
      field: 'idempotency_key',
    });
  });

  test('an id is shown shortened, so that a long one does not flood a log', () => {
    expect(refusalOf({ account: 'a'.repeat(10_000) }).message.length).toBeLessThan(400);
  });
});

describe('timestamps', () => {
  const at = (timestamp: unknown) => ({ account: 'a', timestamp });
  test('Dates, days and instants with a zone are read', () => {
    expect(parse(at(new Date(NOW))).occurred_at).toBe(NOW);
    expect(parse(at('2026-02-20')).occurred_at).toBe(Date.UTC(2026, 1, 20));
    expect(parse(at('2026-02-20T10:30:00.1239+05:45')).occurred_at).toBe(
      Date.UTC(2026, 1, 20, 4, 45, 0, 123),
    );
    expect(parse(at('2026-02-20T10:30Z')).occurred_at).toBe(Date.UTC(2026, 1, 20, 10, 30));
  });

  test('35 days back and 5 minutes ahead are the limits', () => {
    expect(parse(at(new Date(NOW - 35 * DAY_MS))).occurred_at).toBe(NOW - 35 * DAY_MS);
    expect(refusalOf(at(new Date(NOW - 35 * DAY_MS - 1))).code).toBe('invalid_timestamp');
    expect(parse(at(new Date(NOW + 300_000))).occurred_at).toBe(NOW + 300_000);
    expect(refusalOf(at(new Date(NOW + 300_001))).code).toBe('invalid_timestamp');
  });

  const refused = [
    '2025-02-29',
    '2026-13-01',
    '2026-02-20T24:01:00Z',
    '2026-02-20T10:00:00',
    '2026-02-20T10:60Z',
    '0000-01-01',
    '3026-02-20',
    1_772_366_400,
    1_772_366_400_000,
    '1772366400',
    '20 Feb 2026',
    '2026-2-3',
    '2026-02-20T10:00:00+15:00',
    '2026-02-20T10:00:00 Mars/X',
    new Date(Number.NaN),
    null,
    {},
    '',
    '２０２６-02-20',
  ];
  test.each(refused.map((value) => [value]))('%s is refused', (value) => {
    expect(refusalOf(at(value))).toMatchObject({
      code: 'invalid_timestamp',
      field: 'timestamp',
      status: 400,
    });
  });
});

describe('properties', () => {
  const withProperties = (properties: unknown) => ({ account: 'a', properties });
  test('are kept as JSON with sorted keys, dangerous names included', () => {
    expect(parse(withProperties(JSON.parse('{"b":1,"a":"x","__proto__":true,"n":null}'))).properties).toBe(
      '{"__proto__":true,"a":"x","b":1,"n":null}',
    );
  });

  const tooMany = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, 1]));
  const refused = [
    null,
    [],
    'x',
    1,
    new Date(),
    { a: {} },
    { a: undefined },
    { a: Number.NaN },
    { a: 1n },
    tooMany,
    { a: 'x'.repeat(8_200) },
    { a: '\ud800' },
    { 'a\0': 1 },
  ];
  test.each(refused.map((value) => [value]))('%o is refused', (value) => {
    expect(refusalOf(withProperties(value))).toMatchObject({
      code: 'invalid_properties',
      field: 'properties',
    });
  });
});

describe('meters and fields', () => {
  test('a meter that is not configured is refused, naming those that are', () => {
    const error = refusalOf({ account: 'a', meter: 'tokens' });
    expect(error).toMatchObject({ code: 'invalid_meter', field: 'meter', value: '"tokens"' });
    expect(error.message).toContain('credits');
    expect(refusalOf({ account: 'a', meter: '__proto__' }).code).toBe('invalid_meter');
  });

  test('with several meters and no default, the call must name one', () => {
    const call = () => parseIncrement({ account: 'a' }, TWO_METERS, NOW);
    expect(call).toThrow(expect.objectContaining({ code: 'meter_required' }));
    expect(parseIncrement({ account: 'a', meter: 'tokens' }, TWO_METERS, NOW).meter).toBe('tokens');
  });

  test('a misspelt field is refused, so that nothing is counted as 1 by mistake', () => {
    expect(refusalOf({ account: 'a', quantitiy: 10 })).toMatchObject({
      code: 'invalid_parameter',
      field: 'quantitiy',
    });
  });

  test.each([[undefined], [null], ['a'], [[]], [1]])('%s instead of parameters is refused', (params) => {
    expect(refusalOf(params).code).toBe('invalid_parameter');
  });
});

test('the content of a key is its quantity, timestamp and properties, and nothing else', () => {
  const digest = (text: string) => `#${text}`;
  const content = (params: object) => contentOf(parse({ account: 'a', ...params }), digest);
  const base = content({ quantity: 2 });
  expect(content({ quantity: 2, idempotency_key: 'other' })).toBe(base);
  const others = [
    { quantity: 3 },
    { quantity: 2, timestamp: '2026-02-20' },
    { quantity: 2, properties: { a: 1 } },
  ];
  expect(new Set([base, ...others.map(content)]).size).toBe(4);
});

describe('limits, to the last one that is accepted', () => {
  const withProperties = (properties: unknown) => ({ account: 'a', properties });
  test('50 properties, and 8,192 characters of JSON', () => {
    const fifty = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, index]));
    expect(JSON.parse(parse(withProperties(fifty)).properties ?? '')).toEqual(fifty);
    const long = (length: number) => ({ a: 'x'.repeat(length - '{"a":""}'.length) });
    expect(parse(withProperties(long(8_192))).properties).toHaveLength(8_192);
    expect(refusalOf(withProperties(long(8_193))).code).toBe('invalid_properties');
  });

  test('a property is a string, a finite number, a boolean or null, and nothing that only looks like one', () => {
    const values = { a: '', b: -1.5, c: false, d: null };
    expect(parse(withProperties(values)).properties).toBe('{"a":"","b":-1.5,"c":false,"d":null}');
    for (const value of [Infinity, Object(1), Object('x'), [], () => 1, Symbol('x')]) {
      expect(refusalOf(withProperties({ a: value })).code).toBe('invalid_properties');
    }
  });
});

describe('what was refused is named', () => {
  test('parameters that are no object', () => {
    const error = refusalOf('acct_1');
    expect(error).toMatchObject({ field: 'params', value: '"acct_1"' });
    expect(error.message).toContain('An object is expected.');
  });

  test('a field that is unknown, with those that are known', () => {
    expect(refusalOf({ account: 'a', quantitiy: 1 }).message).toContain(
      'Known are account, meter, quantity, idempotency_key, timestamp, properties.',
    );
  });

  test('a timestamp that is too old', () => {
    const timestamp = '2026-01-01';
    expect(refusalOf({ account: 'a', timestamp })).toMatchObject({
      field: 'timestamp',
      value: '"2026-01-01"',
    });
  });
});

test('the content of a key is written as every version has written it', () => {
  const content = (params: object) => contentOf(parse({ account: 'a', ...params }), (text) => `#${text}`);
  expect(content({ quantity: 2 })).toBe('2||');
  expect(content({ quantity: 2, timestamp: new Date(NOW) })).toBe(`2|${NOW}|`);
  expect(content({ quantity: 2, properties: { a: 1 } })).toBe('2||#{"a":1}');
});
