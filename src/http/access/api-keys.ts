import { type AccessActionName, type ApiKey, isGood, SCOPES, type Scope } from '../../core/access.ts';
import { isReadableId, parseAccountId } from '../../core/account.ts';
import { parseActor } from '../../core/adjustment.ts';
import { UsageError } from '../../core/errors.ts';
import { DAY_MS, type DateInput, formatInstant, parseInstant, SECOND_MS } from '../../core/instant.ts';
import type { Store } from '../../core/store.ts';
import { parseFields } from '../../core/usage-event.ts';
import { isKeyId, newKeyText } from './key-text.ts';

/** Parameters of `usage.keys.create`. */
export interface CreateKeyParams {
  /**
   * `read`: reads usage, costs, plans and reports. `write`: records usage, and reads nothing. `admin`: everything. `read`
   * and `write` can be given together.
   */
  readonly scopes: readonly Scope[];
  /** What it is for: 1 to 255 characters. Default: it has no name. */
  readonly name?: string | undefined;
  /** The one account that it is good for; of others it learns nothing. Default: every account. */
  readonly account?: string | undefined;
  /** From when on it is no longer good. Default: it stays. */
  readonly expires_at?: DateInput | undefined;
  /** Who creates it: 1 to 255 characters. Default: `'unknown'`. */
  readonly actor?: string | undefined;
}

/** Parameters of `usage.keys.rotate`. */
export interface RotateKeyParams {
  /** Id of the key: `tbk_…`, 20 characters. */
  readonly key: string;
  /** How long the old key stays good, in seconds: 0 to 30 days. Default: 86,400, a day. */
  readonly overlap_s?: number | undefined;
  /** Who does it. Default: `'unknown'`. */
  readonly actor?: string | undefined;
}

/** A key without its secret. Instants are ISO 8601 in UTC. */
export interface KeyResult {
  /** Its id: the first 20 characters of the key, which are no secret. */
  readonly key: string;
  /** null = not named. */
  readonly name: string | null;
  readonly scopes: readonly Scope[];
  /** null = every account. */
  readonly account: string | null;
  readonly status: 'good' | 'expired' | 'revoked';
  readonly created_at: string;
  /** null = it stays. */
  readonly expires_at: string | null;
  /** null = it was not revoked. */
  readonly revoked_at: string | null;
  /** To the minute; null = never. */
  readonly last_used_at: string | null;
}

export interface NewKeyResult extends KeyResult {
  /** The key itself. It is shown this once, and cannot be read again. */
  readonly secret: string;
}

export interface KeysPage {
  readonly keys: readonly KeyResult[];
  /** Pass as `after` for the next page; null = this was the last. */
  readonly next: string | null;
}

/** A page of what was done about keys and tokens, the newest first. */
export interface KeyActionsPage {
  readonly actions: readonly KeyActionResult[];
  /** Pass as `after` for the next page; null = this was the last. */
  readonly next: string | null;
}

export interface KeyActionResult {
  readonly at: string;
  readonly action: AccessActionName;
  /** Id of the key, or of the account whose tokens were revoked. */
  readonly subject: string;
  readonly actor: string;
}

export interface KeysContext {
  readonly store: Store;
  readonly clock: { now(): number };
}

const CREATE_FIELDS = new Set(['scopes', 'name', 'account', 'expires_at', 'actor']);
const ROTATE_FIELDS = new Set(['key', 'overlap_s', 'actor']);
const REVOKE_FIELDS = new Set(['key', 'actor']);
const LIST_FIELDS = new Set(['after', 'limit']);
const DEFAULT_OVERLAP_S = DAY_MS / SECOND_MS;
const MAX_OVERLAP_S = 30 * DEFAULT_OVERLAP_S;
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/** The methods behind `usage.keys`. */
export function createKeys({ store, clock }: KeysContext) {
  return {
    async create(params: unknown): Promise<NewKeyResult> {
      const fields = parseFields(params, CREATE_FIELDS);
      const now = clock.now();
      const { text, ...identity } = newKeyText();
      const key: ApiKey = {
        ...identity,
        name: parseName(fields['name']),
        scopes: parseScopes(fields['scopes']),
        account_id: fields['account'] === undefined ? null : parseAccountId(fields['account']),
        created_at: now,
        expires_at: parseExpiry(fields['expires_at'], now),
        revoked_at: null,
        last_used_at: null,
      };
      await store.createApiKey({ key, actor: actorOf(fields) });
      return { ...toResult(key, now), secret: text };
    },

    async rotate(params: unknown): Promise<NewKeyResult> {
      const fields = parseFields(params, ROTATE_FIELDS);
      const api_key_id = parseKeyId(fields['key']);
      const ends_in_s = parseOverlap(fields['overlap_s']);
      const now = clock.now();
      const old = await store.getApiKey({ api_key_id });
      if (!old || !isGood(old, now)) throw notFound(api_key_id);
      const { text, ...identity } = newKeyText();
      const replacement: ApiKey = { ...old, ...identity, created_at: now, last_used_at: null };
      const ends_at = now + ends_in_s * SECOND_MS;
      const isDone = await store.rotateApiKey({
        api_key_id,
        replacement,
        ends_at,
        now,
        actor: actorOf(fields),
      });
      if (!isDone) throw notFound(api_key_id);
      return { ...toResult(replacement, now), secret: text };
    },

    async revoke(params: unknown): Promise<KeyResult> {
      const fields = parseFields(params, REVOKE_FIELDS);
      const api_key_id = parseKeyId(fields['key']);
      const now = clock.now();
      const isDone = await store.revokeApiKey({ api_key_id, now, actor: actorOf(fields) });
      const key = isDone ? await store.getApiKey({ api_key_id }) : null;
      if (!key) throw notFound(api_key_id);
      return toResult(key, now);
    },

    async list(params: unknown = {}): Promise<KeysPage> {
      const { after, limit } = parseFields(params, LIST_FIELDS);
      const first = after === undefined ? null : parseKeyId(after, 'after');
      const size = parseLimit(limit);
      const keys = await store.listApiKeys({ after: first, limit: size });
      const now = clock.now();
      const next = keys.length === size ? (keys.at(-1)?.api_key_id ?? null) : null;
      return { keys: keys.map((key) => toResult(key, now)), next };
    },

    async history(params: unknown = {}): Promise<KeyActionsPage> {
      const { after, limit } = parseFields(params, LIST_FIELDS);
      const size = parseLimit(limit);
      const actions = await store.listAccessActions({ before: parsePosition(after), limit: size });
      const last = actions.at(-1);
      return {
        actions: actions.map(({ at, action, subject, actor }) => ({
          at: formatInstant(at),
          action,
          subject,
          actor,
        })),
        next: last && actions.length === size ? String(last.action_id) : null,
      };
    },
  };
}

function parseScopes(value: unknown): readonly Scope[] {
  const wanted: readonly unknown[] = Array.isArray(value) ? value : [];
  const scopes = SCOPES.filter((scope) => wanted.includes(scope));
  const isKnown = scopes.length > 0 && wanted.every((scope) => scopes.some((known) => known === scope));
  if (isKnown) return scopes.includes('admin') ? ['admin'] : scopes;
  const reason = `It is a list of at least one of ${SCOPES.join(', ')}.`;
  throw new UsageError('invalid_parameter', { field: 'scopes', value, reason });
}

function parseName(value: unknown): string | null {
  if (value === undefined) return null;
  if (isReadableId(value)) return value;
  const reason = 'It is a text of 1 to 255 characters.';
  throw new UsageError('invalid_parameter', { field: 'name', value, reason });
}

function parseExpiry(value: unknown, now: number): number | null {
  if (value === undefined) return null;
  const expires_at = parseInstant(value, 'expires_at', 'invalid_parameter');
  if (expires_at > now) return expires_at;
  throw new UsageError('invalid_parameter', { field: 'expires_at', value, reason: 'It is in the past.' });
}

function parseOverlap(value: unknown = DEFAULT_OVERLAP_S): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_OVERLAP_S)
    return value;
  const reason = `It is a whole number of seconds from 0 to ${MAX_OVERLAP_S}.`;
  throw new UsageError('invalid_parameter', { field: 'overlap_s', value, reason });
}

/** What was passed is not repeated: it may be a whole key. */
function parseKeyId(value: unknown, field = 'key'): string {
  if (isKeyId(value)) return value;
  const reason = 'It is the id of a key: its first 20 characters.';
  throw new UsageError('invalid_parameter', { field, reason });
}

function parseLimit(value: unknown = DEFAULT_LIMIT): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_LIMIT) return value;
  const reason = `It is a whole number from 1 to ${MAX_LIMIT}.`;
  throw new UsageError('invalid_parameter', { field: 'limit', value, reason });
}

function parsePosition(value: unknown): number | null {
  if (value === undefined) return null;
  if (typeof value === 'string' && /^[1-9]\d{0,14}$/.test(value)) return Number(value);
  const reason = 'It is the `next` of the page before.';
  throw new UsageError('invalid_parameter', { field: 'after', value, reason });
}

function actorOf(fields: Readonly<Record<string, unknown>>): string {
  return parseActor(fields['actor']) ?? 'unknown';
}

function notFound(api_key_id: string): UsageError {
  return new UsageError('api_key_not_found', { field: 'key', value: api_key_id });
}

function toResult(key: ApiKey, now: number): KeyResult {
  const isRevoked = key.revoked_at !== null && key.revoked_at <= now;
  return {
    key: key.api_key_id,
    name: key.name,
    scopes: key.scopes,
    account: key.account_id,
    status: isRevoked ? 'revoked' : isGood(key, now) ? 'good' : 'expired',
    created_at: formatInstant(key.created_at),
    expires_at: instantOrNull(key.expires_at),
    revoked_at: instantOrNull(key.revoked_at),
    last_used_at: instantOrNull(key.last_used_at),
  };
}

function instantOrNull(instant: number | null): string | null {
  return instant === null ? null : formatInstant(instant);
}
