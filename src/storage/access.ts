import {
  type AccessAction,
  type ApiKey,
  type CreateApiKeyParams,
  type GetTokenRevocationParams,
  isGood,
  type ListAccessActionsParams,
  type ListApiKeysParams,
  type ListedAccessAction,
  type RevokeApiKeyParams,
  type RevokeTokensParams,
  type RotateApiKeyParams,
  SCOPES,
  type TouchApiKeyParams,
} from '../core/access.ts';
import type { Instant } from '../core/environment.ts';
import type { Db } from './report-rows.ts';
import type { ApiKeyTable } from './schema.ts';

export async function createApiKey(db: Db, { key, actor }: CreateApiKeyParams): Promise<void> {
  await db.insertInto('api_key').values(toRow(key)).execute();
  await note(db, { at: key.created_at, action: 'key_created', subject: key.api_key_id, actor });
}

export async function rotateApiKey(db: Db, params: RotateApiKeyParams): Promise<boolean> {
  const { api_key_id, replacement, ends_at, now, actor } = params;
  const old = await getApiKey(db, api_key_id);
  if (!old || !isGood(old, now)) return false;
  const { numUpdatedRows } = await db
    .updateTable('api_key')
    .set({ expires_at: old.expires_at === null ? ends_at : Math.min(old.expires_at, ends_at) })
    .where('api_key_id', '=', api_key_id)
    .where('revoked_at', 'is', null)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) return false;
  await note(db, { at: now, action: 'key_rotated', subject: api_key_id, actor });
  await createApiKey(db, { key: replacement, actor });
  return true;
}

export async function revokeApiKey(db: Db, { api_key_id, now, actor }: RevokeApiKeyParams): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('api_key')
    .set({ revoked_at: now })
    .where('api_key_id', '=', api_key_id)
    .where('revoked_at', 'is', null)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) return false;
  await note(db, { at: now, action: 'key_revoked', subject: api_key_id, actor });
  return true;
}

export async function getApiKey(db: Db, api_key_id: string): Promise<ApiKey | null> {
  const row = await db
    .selectFrom('api_key')
    .selectAll()
    .where('api_key_id', '=', api_key_id)
    .executeTakeFirst();
  return row ? toKey(row) : null;
}

export async function listApiKeys(db: Db, { after, limit }: ListApiKeysParams): Promise<ApiKey[]> {
  const rows = await db
    .selectFrom('api_key')
    .selectAll()
    .where('api_key_id', '>', after ?? '')
    .orderBy('api_key_id')
    .limit(limit)
    .execute();
  return rows.map(toKey);
}

export async function touchApiKey(
  db: Db,
  { api_key_id, now, unless_after }: TouchApiKeyParams,
): Promise<void> {
  await db
    .updateTable('api_key')
    .set({ last_used_at: now })
    .where('api_key_id', '=', api_key_id)
    .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<=', unless_after)]))
    .execute();
}

export async function listAccessActions(
  db: Db,
  { before, limit }: ListAccessActionsParams,
): Promise<ListedAccessAction[]> {
  return await db
    .selectFrom('access_action')
    .selectAll()
    .where('action_id', '<', before ?? Number.MAX_SAFE_INTEGER)
    .orderBy('action_id', 'desc')
    .limit(limit)
    .execute();
}

/** Beyond so many, all tokens of the account are revoked at once: what is kept stays small. */
const MAX_REVOCATIONS = 100;
const EVERY_TOKEN = '';

export async function revokeTokens(db: Db, params: RevokeTokensParams): Promise<void> {
  const { account_id, token_id, revoked_at, forget_at, actor } = params;
  await db.deleteFrom('token_revocation').where('forget_at', '<=', revoked_at).execute();
  const { count } = await db
    .selectFrom('token_revocation')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('account_id', '=', account_id)
    .executeTakeFirstOrThrow();
  const is_full = Number(count) >= MAX_REVOCATIONS;
  const row = {
    account_id,
    token_id: token_id === null || is_full ? EVERY_TOKEN : token_id,
    revoked_at,
    forget_at,
  };
  await db
    .insertInto('token_revocation')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(['account_id', 'token_id'])
        .doUpdateSet({ revoked_at, forget_at })
        // Another process whose clock is behind takes nothing back.
        .where('token_revocation.revoked_at', '<', revoked_at),
    )
    .execute();
  await note(db, { at: revoked_at, action: 'tokens_revoked', subject: account_id, actor });
}

export async function getTokenRevocation(
  db: Db,
  { account_id, token_id }: GetTokenRevocationParams,
): Promise<Instant | null> {
  const row = await db
    .selectFrom('token_revocation')
    .select((eb) => eb.fn.max('revoked_at').as('revoked_at'))
    .where('account_id', '=', account_id)
    .where('token_id', 'in', [EVERY_TOKEN, token_id])
    .executeTakeFirst();
  return row?.revoked_at ?? null;
}

async function note(db: Db, action: AccessAction): Promise<void> {
  await db.insertInto('access_action').values(action).execute();
}

function toRow({ scopes, ...key }: ApiKey): ApiKeyTable {
  return { ...key, scopes: SCOPES.filter((scope) => scopes.includes(scope)).join() };
}

function toKey({ scopes, ...row }: ApiKeyTable): ApiKey {
  const names = scopes.split(',');
  return { ...row, scopes: SCOPES.filter((scope) => names.includes(scope)) };
}
