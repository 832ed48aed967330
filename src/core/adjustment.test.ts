import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { carriedForwardProperties, originOf, parseAdjustment } from './adjustment.ts';
import { UsageError } from './errors.ts';
import { DAY_MS, MINUTE_MS } from './instant.ts';
import { parseIncrement } from './usage-event.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const METERS = { names: new Set(['credits']), default_meter: 'credits' };
const TWO_METERS = { names: new Set(['credits', 'tokens']), default_meter: null };
const SHORTEST = { account: 'a', quantity: -5, reason: 'outage' };

const parse = (params: unknown) => parseAdjustment(params, METERS, NOW);

function refusalOf(params: unknown): UsageError {
  try {
    parse(params);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('It was accepted.');
}

test('the shortest call corrects the only meter, now, by nobody in particular', () => {
  expect(parse(SHORTEST)).toEqual({
    account_id: 'a',
    meter: 'credits',
    quantity: -5,
    idempotency_key: null,
    occurred_at: null,
    properties: '{"adjustment":{"actor":null,"reason":"outage"}}',
  });
});

test('every field is taken as it is written', () => {
  const params = {
    ...SHORTEST,
    meter: 'tokens',
    quantity: 7,
    actor: 'ada',
    idempotency_key: 'k',
    timestamp: new Date(NOW - DAY_MS),
  };
  expect(parseAdjustment(params, TWO_METERS, NOW)).toEqual({
    account_id: 'a',
    meter: 'tokens',
    quantity: 7,
    idempotency_key: 'k',
    occurred_at: NOW - DAY_MS,
    properties: '{"adjustment":{"actor":"ada","reason":"outage"}}',
  });
});

test('an optional field that is undefined counts as left out', () => {
  const optional = { meter: undefined, actor: undefined, idempotency_key: undefined, timestamp: undefined };
  expect(parse({ ...SHORTEST, ...optional })).toEqual(parse(SHORTEST));
});

describe('quantities', () => {
  test.each([-999_999_999_999_999, -1, 1, 999_999_999_999_999])('%s is accepted', (quantity) => {
    expect(parse({ ...SHORTEST, quantity }).quantity).toBe(quantity);
  });

  const refused = [
    0,
    -0,
    1e15,
    -1e15,
    1.5,
    -0.5,
    NaN,
    Infinity,
    -Infinity,
    '5',
    '',
    null,
    undefined,
    true,
    5n,
  ];
  test.each(refused.map((value) => [value]))('%s is refused, by field, value and remedy', (quantity) => {
    const error = refusalOf({ ...SHORTEST, quantity });
    expect(error).toMatchObject({ code: 'invalid_quantity', status: 400, field: 'quantity' });
    expect(error.message).toMatch(/whole number, other than 0, of at most 15 digits/);
  });
});

describe('reasons', () => {
  const accepted = [
    'x',
    'é👩‍🚀',
    'two\nlines\twith a tab',
    'x'.repeat(500),
    '{"adjustment":1}',
    "'; DROP TABLE x",
  ];
  test.each(accepted)('%j is kept literally', (reason) => {
    expect(originOf(parse({ ...SHORTEST, reason }).properties)).toMatchObject({ reason });
  });

  const refused = [
    '',
    ' ',
    '\n\t',
    'x'.repeat(501),
    'a\0b',
    'a\rb',
    '\ud800',
    'a\u202eb',
    'a\u200eb',
    5,
    null,
    {},
    ['x'],
  ];
  test.each([...refused, undefined].map((value) => [value]))('%j is refused', (reason) => {
    expect(refusalOf({ ...SHORTEST, reason })).toMatchObject({ code: 'invalid_reason', field: 'reason' });
  });
});

test.each([['', 'x'.repeat(256), 'a\nb', ' a', 5, null, {}]].flat().map((value) => [value]))(
  'the actor %j is refused',
  (actor) => {
    expect(refusalOf({ ...SHORTEST, actor })).toMatchObject({ code: 'invalid_actor', field: 'actor' });
  },
);

test.each([
  [{ account: '' }, 'invalid_account', 'account'],
  [{ meter: 'tokens' }, 'invalid_meter', 'meter'],
  [{ idempotency_key: '' }, 'invalid_idempotency_key', 'idempotency_key'],
  [{ timestamp: new Date(NOW - 35 * DAY_MS - 1) }, 'invalid_timestamp', 'timestamp'],
  [{ timestamp: new Date(NOW + 5 * MINUTE_MS + 1) }, 'invalid_timestamp', 'timestamp'],
  [{ properties: { a: 1 } }, 'invalid_parameter', 'properties'],
  [{ amount: 5 }, 'invalid_parameter', 'amount'],
])('%o is refused as it is of an increment', (fields, code, field) => {
  expect(refusalOf({ ...SHORTEST, ...fields })).toMatchObject({ code, field });
});

test('with several meters an adjustment names its own', () => {
  const call = () => parseAdjustment(SHORTEST, TWO_METERS, NOW);
  expect(call).toThrow(expect.objectContaining({ code: 'meter_required' }));
});

describe('where an event comes from', () => {
  test('is read from its properties', () => {
    const { properties } = parse({ ...SHORTEST, actor: 'ada' });
    expect(originOf(properties)).toEqual({ kind: 'adjustment', actor: 'ada', reason: 'outage' });
    const reference = { from_report: 3, to_report: 4 };
    const carried = carriedForwardProperties(reference);
    expect(carried).toBe('{"carried_forward":{"from_report":3,"to_report":4}}');
    expect(originOf(carried)).toEqual({ kind: 'carried_forward', ...reference });
    expect(originOf(null)).toEqual({ kind: 'increment', properties: null });
    expect(originOf('{"a":1}')).toEqual({ kind: 'increment', properties: '{"a":1}' });
  });

  test('no properties of an increment look like an adjustment, or like what is carried', () => {
    const key = fc.oneof(fc.constantFrom('adjustment', 'carried_forward', 'reason'), fc.string());
    const value = fc.oneof(
      fc.constantFrom('{}', '{"reason":"x"}', '[object Object]', null, true, 0),
      fc.string(),
      fc.object({ maxDepth: 1 }),
    );
    let accepted = 0;
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 4 }), (properties) => {
        try {
          const increment = parseIncrement({ account: 'a', properties }, METERS, NOW);
          accepted += 1;
          expect(originOf(increment.properties)).toEqual({
            kind: 'increment',
            properties: increment.properties,
          });
        } catch (error) {
          if (!(error instanceof UsageError)) throw error;
        }
      }),
      { seed: 20_260_110, numRuns: 2_000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});
