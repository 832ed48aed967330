import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../core/store.ts';
import { createTokens, readToken } from './browser-tokens.ts';

const SECRET = 'x'.repeat(32);
const NOW = Date.UTC(2026, 0, 10, 12);
const NOW_S = NOW / 1_000;
const HEADER = { alg: 'HS256', typ: 'JWT' };
const CLAIMS = { aud: 'tallybook', exp: NOW_S + 900, iat: NOW_S, jti: 'token-1', sub: 'acct_1' };

const encoded = (text: string) => Buffer.from(text).toString('base64url');
const part = (value: unknown) => encoded(JSON.stringify(value));
/** A token of which everything can be chosen. */
function forge(
  claims: unknown,
  { header = HEADER as object, secret = SECRET, algorithm = 'sha256' } = {},
): string {
  return sign(part(header), part(claims), secret, algorithm);
}

function sign(header: string, payload: string, secret = SECRET, algorithm = 'sha256'): string {
  const signed = `${header}.${payload}`;
  return `${signed}.${createHmac(algorithm, secret).update(signed).digest('base64url')}`;
}
const read = (token: string, now = NOW) => readToken(token, SECRET, now);

test('a token that is ours is read', () => {
  expect(read(forge(CLAIMS))).toEqual({ account_id: 'acct_1', token_id: 'token-1', issued_at: NOW });
});

test('a token of a process whose clock is a minute ahead is read', () => {
  const iat = NOW_S + 60;
  expect(read(forge({ ...CLAIMS, iat, exp: iat + 900 }))).toMatchObject({ issued_at: NOW + 60_000 });
});

test('a created token is read, until its time is over and not a moment longer', async () => {
  const store = {} as Store;
  const { create } = createTokens({ store, clock: { now: () => NOW }, secret: SECRET });
  const { token, token_id, account, expires_at } = await create({ account: 'acct_1', expires_in_s: 60 });
  expect([account, expires_at]).toEqual(['acct_1', '2026-01-10T12:01:00.000Z']);
  expect(read(token)).toMatchObject({ token_id });
  expect(read(token, NOW + 59_999)).not.toBeNull();
  expect(read(token, NOW + 60_000)).toBeNull();
});

test('a revocation is kept until the last token has ended that a clock a minute ahead may have made', async () => {
  const revocations: object[] = [];
  const store = {
    revokeTokens: async (revocation: object) => revocations.push(revocation),
  } as unknown as Store;
  const { revoke } = createTokens({ store, clock: { now: () => NOW }, secret: SECRET });
  await revoke({ account: 'acct_1' });
  expect(revocations).toMatchObject([{ revoked_at: NOW, forget_at: NOW + 960_000 }]);
});

const FORGED: readonly [string, string][] = [
  ['signed with another secret', forge(CLAIMS, { secret: 'y'.repeat(32) })],
  ['of the algorithm none', `${part({ alg: 'none', typ: 'JWT' })}.${part(CLAIMS)}.`],
  ['of the algorithm none, with a signature', forge(CLAIMS, { header: { alg: 'none', typ: 'JWT' } })],
  ['of a stronger algorithm', forge(CLAIMS, { header: { alg: 'HS512', typ: 'JWT' }, algorithm: 'sha512' })],
  ['that says of itself how it is verified', forge(CLAIMS, { header: { ...HEADER, kid: '../../dev/null' } })],
  ['without a signature', forge(CLAIMS).split('.').slice(0, 2).join('.')],
  ['with more parts', `${forge(CLAIMS)}.x`],
  [
    'whose claims were exchanged',
    [part(HEADER), part({ ...CLAIMS, sub: 'acct_2' }), forge(CLAIMS).split('.')[2]].join('.'),
  ],
  ['for somebody else', forge({ ...CLAIMS, aud: 'other' })],
  ['for several', forge({ ...CLAIMS, aud: ['tallybook'] })],
  ['of yesterday', forge({ ...CLAIMS, iat: NOW_S - 86_400, exp: NOW_S - 85_500 })],
  ['that is good for longer than fifteen minutes', forge({ ...CLAIMS, exp: NOW_S + 901 })],
  ['of the future', forge({ ...CLAIMS, iat: NOW_S + 3_600, exp: NOW_S + 4_500 })],
  ['of the future, for a moment only', forge({ ...CLAIMS, iat: NOW_S + 61, exp: NOW_S + 62 })],
  ['that ends before it begins', forge({ ...CLAIMS, iat: NOW_S + 900, exp: NOW_S + 1 })],
  ['without an end', forge({ ...CLAIMS, exp: undefined })],
  ['whose end is a text', forge({ ...CLAIMS, exp: String(NOW_S + 900) })],
  ['without an id', forge({ ...CLAIMS, jti: undefined })],
  ['without an account', forge({ ...CLAIMS, sub: undefined })],
  ['of an account that cannot be', forge({ ...CLAIMS, sub: ' ' })],
  ['that claims more', forge({ ...CLAIMS, scope: 'admin' })],
  ['that is very long', forge({ ...CLAIMS, jti: 'x'.repeat(5_000) })],
  ['that is nothing', '..'],
  ['whose claims are no JSON', sign(part(HEADER), encoded('aud=tallybook'))],
  ['whose claims are not in Base64', sign(part(HEADER), '%%')],
  ['whose claims are null', forge(null)],
  ['whose claims are a text', forge('claims')],
  ['whose claims are a list', forge([CLAIMS])],
];

test.each(FORGED)('a token %s is none', (_, token) => {
  expect(read(token)).toBeNull();
});

describe('what is asked wrongly is refused', () => {
  const tokens = createTokens({ store: {} as Store, clock: { now: () => NOW }, secret: SECRET });

  test.each([0, -1, 901, 1.5, '60', null, Number.NaN])('a token for %j seconds', async (expires_in_s) => {
    await expect(tokens.create({ account: 'a', expires_in_s })).rejects.toMatchObject({
      code: 'invalid_parameter',
      field: 'expires_in_s',
    });
  });

  test('a token without a secret to sign it', async () => {
    const without = createTokens({ store: {} as Store, clock: { now: () => NOW }, secret: null });
    await expect(without.create({ account: 'a' })).rejects.toMatchObject({
      code: 'invalid_configuration',
      field: 'http.token_secret',
    });
  });
});
