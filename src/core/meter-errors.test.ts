import { expect, test } from 'vitest';
import { reportIdentifierOf } from './meter-errors.ts';

const IDENTIFIER = `tb_${'0123456789abcdef'.repeat(4)}`;

test('the request that sent a report names it, whichever attempt it was', () => {
  expect(reportIdentifierOf(`${IDENTIFIER}:1`)).toBe(IDENTIFIER);
  expect(reportIdentifierOf(`${IDENTIFIER}:123456789`)).toBe(IDENTIFIER);
});

test.each([
  '',
  IDENTIFIER,
  `${IDENTIFIER}:x`,
  `${IDENTIFIER}:1234567890`,
  `${IDENTIFIER}:1 `,
  ` ${IDENTIFIER}:1`,
  `${IDENTIFIER.slice(0, -1)}:1`,
  `${IDENTIFIER.replace('a', 'g')}:1`,
])('a request of others names none: %j', (idempotency_key) => {
  expect(reportIdentifierOf(idempotency_key)).toBeNull();
});
