import type { Instant } from './environment.ts';

/** What a key allows: `read` reads, `write` records usage and nothing else, `admin` everything. */
export type Scope = 'read' | 'write' | 'admin';

export const SCOPES: readonly Scope[] = ['read', 'write', 'admin'];

/** A key of the HTTP API as the database keeps it: what it was made from is not there. */
export interface ApiKey {
  readonly api_key_id: string;
  /** What it is for, in a person's words; null = not named. */
  readonly name: string | null;
  readonly scopes: readonly Scope[];
  /** The one account that it is good for; null = every account. */
  readonly account_id: string | null;
  /** SHA-256 of the whole key, in lower-case hexadecimal. */
  readonly secret_sha256: string;
  readonly created_at: Instant;
  /** From when on it is no longer good; null = it stays. */
  readonly expires_at: Instant | null;
  /** null = it was not revoked. */
  readonly revoked_at: Instant | null;
  /** To the minute; null = never. */
  readonly last_used_at: Instant | null;
}

/** Whether a key is good at an instant. */
export function isGood({ expires_at, revoked_at }: ApiKey, now: Instant): boolean {
  return (expires_at === null || now < expires_at) && (revoked_at === null || now < revoked_at);
}

export type AccessActionName = 'key_created' | 'key_rotated' | 'key_revoked' | 'tokens_revoked';

/** What somebody did about keys and tokens: kept for good. */
export interface AccessAction {
  readonly at: Instant;
  readonly action: AccessActionName;
  /** Id of the key, or of the account whose tokens were revoked. */
  readonly subject: string;
  /** Who. */
  readonly actor: string;
}

export interface ListedAccessAction extends AccessAction {
  /** Ascends in the order of what was done. */
  readonly action_id: number;
}

/** Where keys, and what was revoked, are kept. Every change is written with who made it, or not at all. */
export interface AccessStore {
  createApiKey(params: CreateApiKeyParams): Promise<void>;
  /** Creates a key in the place of another, which ends at `ends_at`; false = that one is not good any more. */
  rotateApiKey(params: RotateApiKeyParams): Promise<boolean>;
  /** False = there is no such key, or it was revoked before. */
  revokeApiKey(params: RevokeApiKeyParams): Promise<boolean>;
  /** null = unknown. */
  getApiKey(params: { readonly api_key_id: string }): Promise<ApiKey | null>;
  /** Keys in the order of their ids. */
  listApiKeys(params: ListApiKeysParams): Promise<readonly ApiKey[]>;
  /** Notes that a key was used, unless that was noted after `unless_after`. */
  touchApiKey(params: TouchApiKeyParams): Promise<void>;
  /** What was done, the newest first. */
  listAccessActions(params: ListAccessActionsParams): Promise<readonly ListedAccessAction[]>;
  /** Makes tokens of an account worthless that were issued up to `revoked_at`. */
  revokeTokens(params: RevokeTokensParams): Promise<void>;
  /** The latest instant up to which a token's likes are revoked; null = they are not. */
  getTokenRevocation(params: GetTokenRevocationParams): Promise<Instant | null>;
}

export interface CreateApiKeyParams {
  readonly key: ApiKey;
  readonly actor: string;
}

export interface RotateApiKeyParams {
  readonly api_key_id: string;
  readonly replacement: ApiKey;
  /** When the old key ends, unless it does before. */
  readonly ends_at: Instant;
  readonly now: Instant;
  readonly actor: string;
}

export interface RevokeApiKeyParams {
  readonly api_key_id: string;
  readonly now: Instant;
  readonly actor: string;
}

export interface ListApiKeysParams {
  /** Ids after this one; null = from the first. */
  readonly after: string | null;
  readonly limit: number;
}

export interface TouchApiKeyParams {
  readonly api_key_id: string;
  readonly now: Instant;
  readonly unless_after: Instant;
}

export interface ListAccessActionsParams {
  /** Actions before this one; null = from the newest. */
  readonly before: number | null;
  readonly limit: number;
}

export interface RevokeTokensParams {
  readonly account_id: string;
  /** null = every token of the account. */
  readonly token_id: string | null;
  readonly revoked_at: Instant;
  /** When the last of these tokens ends by itself: the revocation may be forgotten. */
  readonly forget_at: Instant;
  readonly actor: string;
}

export interface GetTokenRevocationParams {
  readonly account_id: string;
  readonly token_id: string;
}
