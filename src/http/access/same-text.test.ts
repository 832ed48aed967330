import { expect, test } from 'vitest';
import { isSameText } from './same-text.ts';

test('texts are the same character by character, however long they are', () => {
  for (const text of ['', 'a', 'é', 'x'.repeat(4_096)]) expect(isSameText(text, text)).toBe(true);
  for (const [left, right] of [
    ['a', 'b'],
    ['a', 'A'],
    ['a', ''],
    ['a', 'aa'],
    ['é', 'e\u0301'],
    ['x'.repeat(64), `${'x'.repeat(63)}y`],
  ] as const) {
    expect(isSameText(left, right)).toBe(false);
    expect(isSameText(right, left)).toBe(false);
  }
});
