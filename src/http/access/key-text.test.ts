import { expect, test } from 'vitest';
import { digestOf, isKeyId, newKeyText, readKeyId } from './key-text.ts';

test('a key has its prefix, an id, more than 128 random bits and a checksum', () => {
  const { text, api_key_id, secret_sha256 } = newKeyText();
  expect(text).toMatch(/^tbk_[0-9A-Za-z]{54}$/);
  expect(api_key_id).toBe(text.slice(0, 20));
  expect(isKeyId(api_key_id)).toBe(true);
  expect(secret_sha256).toBe(digestOf(text));
  expect(32 * Math.log2(62)).toBeGreaterThan(128);
});

test('keys differ in every part, and use the whole alphabet', () => {
  const keys = Array.from({ length: 500 }, () => newKeyText());
  expect(new Set(keys.map(({ api_key_id }) => api_key_id)).size).toBe(500);
  expect(new Set(keys.map(({ text }) => text.slice(20, 52))).size).toBe(500);
  expect(new Set(keys.flatMap(({ text }) => [...text.slice(4, 52)])).size).toBe(62);
});

test('one mistyped character is told by the checksum, wherever it is', () => {
  const { text, api_key_id } = newKeyText();
  expect(readKeyId(text)).toBe(api_key_id);
  for (let at = 0; at < text.length; at += 1) {
    const wrong = text[at] === 'x' ? 'y' : 'x';
    expect(readKeyId(text.slice(0, at) + wrong + text.slice(at + 1))).toBeNull();
  }
});

test.each(['', 'tbk_', 'sk_live_123', 'tbk_'.padEnd(58, '0').concat('0'), `${'tbk_'.padEnd(57, '0')}\n`])(
  '%j is no key',
  (text) => {
    expect(readKeyId(text)).toBeNull();
  },
);
