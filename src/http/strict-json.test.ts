import { describe, expect, test } from 'vitest';
import { MAX_DEPTH, parseJson } from './strict-json.ts';

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

test.each([
  ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}'],
  ['"a:b"'],
  ['{"a\\":\\"b":"\\\\"}'],
  ['{"__proto__":1,"constructor":2}'],
  ['  { "a" : "x\\u0022:" , "b" : [ ] } '],
  [nested(MAX_DEPTH)],
])('%s is what JSON.parse makes of it', (text) => {
  expect(parseJson(text)).toEqual(JSON.parse(text));
});

test('a field named __proto__ is a field', () => {
  const value = parseJson('{"__proto__":{"admin":true}}');
  expect(Object.keys(Object(value))).toEqual(['__proto__']);
  expect('admin' in Object(value)).toBe(false);
});

describe('refused', () => {
  test.each([
    ['{"a":1,"a":2}', 'twice'],
    ['{"a":1,"\\u0061":2}', 'twice'],
    ['[{"b":{"a":1,"a":1}}]', 'twice'],
    ['{"__proto__":1,"__proto__":2}', 'twice'],
    [nested(MAX_DEPTH + 1), 'deep'],
    [nested(10_000), 'deep'],
    ['['.repeat(500_000), 'deep'],
    ['{"a":'.repeat(10_000), 'deep'],
    ['', 'parsed'],
    ['{"a":1', 'parsed'],
    ["{'a':1}", 'parsed'],
    ['{"a":1,}', 'parsed'],
    ['NaN', 'parsed'],
    ['"'.concat('\\'.repeat(100_001)), 'parsed'],
    [`"${'x'.repeat(1_000_000)}`, 'parsed'],
  ])('%.40s', (text, reason) => {
    expect(() => parseJson(text)).toThrow(
      expect.objectContaining({ code: 'invalid_json', message: expect.stringContaining(reason) }),
    );
  });
});
