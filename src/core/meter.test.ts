import { expect, test } from 'vitest';
import { parseMeter } from './meter.ts';

const METERS = { names: new Set(['credits', 'tokens']), default_meter: null };

test('a call that names no meter means the default one', () => {
  expect(parseMeter(undefined, { ...METERS, default_meter: 'tokens' })).toBe('tokens');
  expect(parseMeter('credits', { ...METERS, default_meter: 'tokens' })).toBe('credits');
});

test('without a default the meters are named, so that the call can be corrected', () => {
  const refusal = expect.objectContaining({
    code: 'meter_required',
    field: 'meter',
    message: expect.stringContaining('The meters are credits, tokens.'),
  });
  expect(() => parseMeter(undefined, METERS)).toThrow(refusal);
});

test.each([['Credits'], ['toString'], [null], [['credits']], [1]])('%j is no meter', (value) => {
  const refusal = expect.objectContaining({
    code: 'invalid_meter',
    field: 'meter',
    message: expect.stringContaining('The meters are credits, tokens.'),
  });
  expect(() => parseMeter(value, METERS)).toThrow(refusal);
});
