import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { add, formatDecimal, multiply, parseDecimal, roundHalfUp, ZERO } from './decimal.ts';

const decimal = (text: string) => parseDecimal(text) ?? ZERO;

describe('decimals', () => {
  test.each([
    ['0', '0'],
    ['-0', '0'],
    ['-0.000000000000', '0'],
    ['1.50', '1.5'],
    ['-3', '-3'],
    ['-0.5', '-0.5'],
    ['0.000000000001', '0.000000000001'],
    ['-12.000000000010', '-12.00000000001'],
    ['007', '7'],
    [`${'9'.repeat(30)}.${'9'.repeat(12)}`, `${'9'.repeat(30)}.${'9'.repeat(12)}`],
  ])('%s is %s at its shortest', (text, shortest) => {
    expect(formatDecimal(decimal(text))).toBe(shortest);
  });

  const refused = [
    '',
    '-',
    '.5',
    '5.',
    '1e3',
    '+1',
    ' 1',
    '1 ',
    '0x10',
    '1.0000000000001',
    '9'.repeat(31),
    '--1',
    '٣',
  ];
  test.each(refused)('%j is none', (text) => {
    expect(parseDecimal(text)).toBeNull();
  });

  test('are exact: 0.1 + 0.2 is 0.3', () => {
    expect(formatDecimal(add(decimal('0.1'), decimal('0.2')))).toBe('0.3');
    expect(formatDecimal(multiply(decimal('-0.1'), 3))).toBe('-0.3');
  });

  test('come back from their text, whatever they are', () => {
    const any = fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n });
    fc.assert(
      fc.property(any, (scaled) => {
        expect(parseDecimal(formatDecimal(scaled as typeof ZERO))).toBe(scaled);
      }),
    );
  });
});

describe('rounding', () => {
  test.each([
    ['0', 0],
    ['0.499999999999', 0],
    ['0.5', 1],
    ['1.5', 2],
    ['-0.499999999999', 0],
    ['-0.5', -1],
    ['-1.5', -2],
    ['-2', -2],
    ['9007199254740991', 2 ** 53 - 1],
    ['-9007199254740991', 1 - 2 ** 53],
  ])('%s is %d: a half goes away from zero', (text, rounded) => {
    expect(roundHalfUp(decimal(text)) + 0).toBe(rounded);
  });

  test.each(['9007199254740991.5', '-9007199254740992'])('%s is an error, never rounded', (text) => {
    const overflow = { code: 'amount_overflow', field: 'amount', value: `${Math.round(Number(text))}` };
    expect(() => roundHalfUp(decimal(text))).toThrow(expect.objectContaining(overflow));
  });
});
