import { createHmac, randomUUID } from 'node:crypto';
import { isReadableId, parseAccountId } from '../../core/account.ts';
import { parseActor } from '../../core/adjustment.ts';
import { UsageError } from '../../core/errors.ts';
import { formatInstant, SECOND_MS } from '../../core/instant.ts';
import type { Store } from '../../core/store.ts';
import { parseFields } from '../../core/usage-event.ts';
import { isSameText } from './same-text.ts';

/** Parameters of `usage.tokens.create`. */
export interface CreateTokenParams {
  /** The one account that it reads. */
  readonly account: string;
  /** How long it is good, in seconds: 1 to 900. Default: 900, fifteen minutes. */
  readonly expires_in_s?: number | undefined;
}

/** Parameters of `usage.tokens.revoke`. */
export interface RevokeTokensParams {
  readonly account: string;
  /** The `token_id` of one token. Default: every token of the account that was created until now. */
  readonly token_id?: string | undefined;
  /** Who does it: 1 to 255 characters. Default: `'unknown'`. */
  readonly actor?: string | undefined;
}

export interface TokenResult {
  /** What the browser sends: `Authorization: Bearer …`. */
  readonly token: string;
  readonly token_id: string;
  readonly account: string;
  /** ISO 8601 in UTC. */
  readonly expires_at: string;
}

/** What a token says, once its signature has been verified. */
export interface TokenClaims {
  readonly account_id: string;
  readonly token_id: string;
  readonly issued_at: number;
}

export interface TokensContext {
  readonly store: Store;
  readonly clock: { now(): number };
  /** null = none is configured: there are no tokens. */
  readonly secret: string | null;
}

const MAX_TOKEN_AGE_S = 900;
/** How far the clocks of two processes of one app may differ. */
const MAX_SKEW_S = 60;
/** Tokens of other programs that have the same secret are not ours. */
const AUDIENCE = 'tallybook';
/** The one algorithm. What a token says of its algorithm is not asked: its header is this text, or it is no token. */
const HEADER = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url');
const MAX_TOKEN_LENGTH = 4_096;
const CREATE_FIELDS = new Set(['account', 'expires_in_s']);
const REVOKE_FIELDS = new Set(['account', 'token_id', 'actor']);
const CLAIMS = ['aud', 'exp', 'iat', 'jti', 'sub'];

/** The methods behind `usage.tokens`. */
export function createTokens({ store, clock, secret }: TokensContext) {
  return {
    async create(params: unknown): Promise<TokenResult> {
      const { account, expires_in_s } = parseFields(params, CREATE_FIELDS);
      const account_id = parseAccountId(account);
      const iat = clock.now() / SECOND_MS;
      const exp = iat + parseAge(expires_in_s);
      const jti = randomUUID();
      const claims = { aud: AUDIENCE, exp, iat, jti, sub: account_id };
      const token = sign(Buffer.from(JSON.stringify(claims)).toString('base64url'), secretOf(secret));
      return { token, token_id: jti, account: account_id, expires_at: formatInstant(exp * SECOND_MS) };
    },

    async revoke(params: unknown): Promise<void> {
      const { account, token_id, actor } = parseFields(params, REVOKE_FIELDS);
      const revoked_at = clock.now();
      await store.revokeTokens({
        account_id: parseAccountId(account),
        token_id: token_id === undefined ? null : parseTokenId(token_id),
        revoked_at,
        forget_at: revoked_at + (MAX_TOKEN_AGE_S + MAX_SKEW_S) * SECOND_MS,
        actor: parseActor(actor) ?? 'unknown',
      });
    },
  };
}

/** What a token says; null = it is none of ours, or its time is over. Whether it was revoked is not seen here. */
export function readToken(text: string, secret: string, now: number): TokenClaims | null {
  const [header, payload, signature, ...more] = text.length <= MAX_TOKEN_LENGTH ? text.split('.') : [];
  if (header !== HEADER || !payload || !signature || more.length > 0) return null;
  if (!isSameText(`${header}.${payload}.${signature}`, sign(payload, secret))) return null;
  return readClaims(payload, now);
}

/** A signed payload is ours; that it says what it should is checked all the same. */
function readClaims(payload: string, now: number): TokenClaims | null {
  const claims = parseClaims(Buffer.from(payload, 'base64url').toString());
  if (!claims) return null;
  const { aud, exp, iat, jti, sub } = claims;
  const isOurs = aud === AUDIENCE && isReadableId(sub) && isReadableId(jti);
  if (!isOurs || typeof exp !== 'number' || typeof iat !== 'number') return null;
  if (Object.keys(claims).sort().join() !== CLAIMS.join()) return null;
  const now_s = now / SECOND_MS;
  // One that comes from later than it could would outlast that all tokens are revoked.
  const isNow = iat - now_s <= MAX_SKEW_S && now_s < exp && exp - iat <= MAX_TOKEN_AGE_S;
  return isNow ? { account_id: sub, token_id: jti, issued_at: Math.round(iat * SECOND_MS) } : null;
}

/** null = it is no JSON object. */
function parseClaims(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const claims: unknown = JSON.parse(text);
    return typeof claims === 'object' && claims !== null ? { ...claims } : null;
  } catch {
    return null;
  }
}

function sign(payload: string, secret: string): string {
  const signed = `${HEADER}.${payload}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

function secretOf(secret: string | null): string {
  if (secret !== null) return secret;
  const reason = 'Tokens are asked for, and nothing is there to sign them with.';
  throw new UsageError('invalid_configuration', { field: 'http.token_secret', reason });
}

function parseAge(value: unknown = MAX_TOKEN_AGE_S): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_TOKEN_AGE_S)
    return value;
  const reason = `It is a whole number of seconds from 1 to ${MAX_TOKEN_AGE_S}.`;
  throw new UsageError('invalid_parameter', { field: 'expires_in_s', value, reason });
}

function parseTokenId(value: unknown): string {
  if (isReadableId(value)) return value;
  throw new UsageError('invalid_parameter', { field: 'token_id', value, reason: 'It is the id of a token.' });
}
