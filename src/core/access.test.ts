import { expect, test } from 'vitest';
import { isGood } from './access.ts';

const NOW = Date.UTC(2026, 0, 10, 12);
const KEY = {
  api_key_id: 'key_1',
  name: null,
  scopes: ['read'],
  account_id: null,
  secret_sha256: '',
  created_at: 0,
  expires_at: null,
  revoked_at: null,
  last_used_at: null,
} as const;

test.each([
  ['no end', {}, true],
  ['an end ahead', { expires_at: NOW + 1 }, true],
  ['an end that has come', { expires_at: NOW }, false],
  ['a revocation ahead', { revoked_at: NOW + 1 }, true],
  ['a revocation that has come', { revoked_at: NOW }, false],
  ['an end that has come before its revocation', { expires_at: NOW, revoked_at: NOW + 1 }, false],
  ['a revocation that has come before its end', { expires_at: NOW + 1, revoked_at: NOW }, false],
])('a key with %s is good, or not', (_, fields, expected) => {
  expect(isGood({ ...KEY, ...fields }, NOW)).toBe(expected);
});
