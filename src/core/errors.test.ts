import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERRORS, UsageError, type UsageErrorCode } from './errors.ts';

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
  const source = readFileSync('src/usage.ts', 'utf8');
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
