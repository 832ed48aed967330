import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ERRORS, UsageError, type UsageErrorCode } from './errors.ts';
import { CommitUnknownError } from './store.ts';

const codes = Object.keys(ERRORS) as UsageErrorCode[];

test('the documentation lists every error as the table has it', () => {
  const rows = readFileSync('docs/errors.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const expected = codes.map((code) => {
    const { status, meaning, remedy } = ERRORS[code];
    return `| \`${code}\` | ${status} | ${meaning} | ${remedy} |`;
  });
  expect(rows).toEqual(expected);
});

test.each(codes)('%s says what is wrong and what to do', (code) => {
  const error = new UsageError(code);
  expect(error).toMatchObject({ name: 'UsageError', code, status: ERRORS[code].status });
  expect(error.message).toBe(`${ERRORS[code].meaning} ${ERRORS[code].remedy}`);
});

test('every error that a public method documents is in the table', () => {
  const source = readFileSync('src/usage-interface.ts', 'utf8');
  const named = source
    .split('@throws UsageError')
    .slice(1)
    .flatMap((text) => text.slice(0, text.indexOf('*/')).match(/`[a-z_]+`/g) ?? []);
  expect(named.length).toBeGreaterThan(20);
  for (const code of named) expect(codes).toContain(code.slice(1, -1));
});

test('field, value, remedy and cause can be read one by one', () => {
  const cause = new Error('disk');
  const error = new UsageError('invalid_quantity', { field: 'quantity', value: -1, cause });
  expect(error).toMatchObject({
    field: 'quantity',
    value: '-1',
    remedy: ERRORS.invalid_quantity.remedy,
    cause,
  });
  expect(error.message.startsWith('quantity -1: ')).toBe(true);
});

test('a case can have a remedy of its own', () => {
  const remedy = 'Do that.';
  const error = new UsageError('invalid_configuration', { field: 'x', reason: 'Why.', remedy });
  expect(error).toMatchObject({ remedy, message: 'x: Why. Do that.' });
});

describe('what was refused is shown', () => {
  const shown: readonly [unknown, string][] = [
    ['a "b"', '"a \\"b\\""'],
    ['x'.repeat(78), `"${'x'.repeat(78)}"`],
    ['x'.repeat(79), `"${'x'.repeat(79)}…`],
    ['x'.repeat(100_000), `"${'x'.repeat(79)}…`],
    [5n, '5n'],
    [() => 1, 'function'],
    [Symbol('x'), 'symbol'],
    [new Date(Number.NaN), 'Invalid Date'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [[1, 2], 'an array'],
    [{ toString: () => 'secret' }, 'an object'],
    [null, 'null'],
    [undefined, 'undefined'],
    [1.5, '1.5'],
    [true, 'true'],
  ];
  test.each(shown)('%o: as its caller would write it, and never long', (value, text) => {
    const error = new UsageError('invalid_quantity', { field: 'quantity', value });
    expect(error.value).toBe(text);
    expect(error.message.startsWith(`quantity ${text}: `)).toBe(true);
  });

  test('a field without a value is named alone, and nothing is made up where neither is known', () => {
    const named = new UsageError('invalid_period', { field: 'period_end', reason: 'Why.' });
    expect(named).toMatchObject({ field: 'period_end', value: undefined });
    expect(named.message).toBe(`period_end: Why. ${ERRORS.invalid_period.remedy}`);
    const bare = new UsageError('overloaded');
    expect([bare.field, bare.value, 'cause' in bare]).toEqual([undefined, undefined, false]);
  });

  test('a long text is cut before it is escaped, which would cost time', () => {
    const quotes = new UsageError('invalid_account', { field: 'account', value: '"'.repeat(1_000_000) });
    expect(quotes.value).toBe(`"${'\\"'.repeat(39)}\\…`);
  });
});

test('a commit whose answer was lost can be told from what else failed', () => {
  expect(new CommitUnknownError('x')).toMatchObject({ name: 'CommitUnknownError', message: 'x' });
});
