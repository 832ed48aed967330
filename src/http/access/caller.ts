import type { ApiKey, Scope } from '../../core/access.ts';
import { isGood } from '../../core/access.ts';
import type { Environment } from '../../core/environment.ts';
import { UsageError } from '../../core/errors.ts';
import { MINUTE_MS } from '../../core/instant.ts';
import type { Store } from '../../core/store.ts';
import { readToken, type TokenClaims } from './browser-tokens.ts';
import { digestOf, readKeyId } from './key-text.ts';
import { Recent } from './recent.ts';
import { isSameText } from './same-text.ts';

/** Who asks, as far as it matters for what is answered. */
export interface Caller {
  readonly kind: 'key' | 'token';
  /** Id of the key; of a token, its account. Requests are counted under it. */
  readonly id: string;
  readonly scopes: readonly Scope[];
  /** The one account that it may know of; null = every account. */
  readonly account: string | null;
}

export interface AuthenticatorOptions {
  readonly store: Pick<Store, 'getApiKey' | 'getTokenRevocation' | 'touchApiKey'>;
  readonly environment: Pick<Environment, 'clock' | 'logger'>;
  /** null = there are no tokens. */
  readonly token_secret: string | null;
}

/** How exactly it is kept when a key was last used. */
const TOUCH_EVERY_MS = MINUTE_MS;

/** Tells who asks, by the header `Authorization`. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #keys: Recent<ApiKey | null>;
  readonly #revocations: Recent<number | null>;
  /** Notes that are being written, by key. */
  readonly #touching = new Map<string, Promise<void>>();

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#keys = new Recent(options.environment.clock);
    this.#revocations = new Recent(options.environment.clock);
  }

  /** @throws UsageError `unauthenticated`, `storage_failed`. */
  async authenticate(authorization: string | null): Promise<Caller> {
    const text = /^Bearer ([\w.~+/=-]{1,4096})$/i.exec(authorization ?? '')?.[1];
    if (text === undefined) throw new UsageError('unauthenticated');
    const caller = text.includes('.') ? await this.#byToken(text) : await this.#byKey(text);
    if (!caller) throw new UsageError('unauthenticated');
    return caller;
  }

  /** Resolves when every note is written. */
  async drain(): Promise<void> {
    await Promise.all(this.#touching.values());
  }

  async #byKey(text: string): Promise<Caller | null> {
    const { store, environment } = this.#options;
    const api_key_id = readKeyId(text);
    if (api_key_id === null) return null;
    const key = await this.#keys.get(api_key_id, () => store.getApiKey({ api_key_id }));
    if (!key || !isSameText(digestOf(text), key.secret_sha256)) return null;
    const now = environment.clock.now();
    if (!isGood(key, now)) return null;
    this.#touch(key, now);
    return { kind: 'key', id: api_key_id, scopes: key.scopes, account: key.account_id };
  }

  async #byToken(text: string): Promise<Caller | null> {
    const { token_secret, environment } = this.#options;
    const claims = token_secret === null ? null : readToken(text, token_secret, environment.clock.now());
    if (!claims || (await this.#isRevoked(claims))) return null;
    return { kind: 'token', id: claims.account_id, scopes: ['read'], account: claims.account_id };
  }

  async #isRevoked({ account_id, token_id, issued_at }: TokenClaims): Promise<boolean> {
    const { store } = this.#options;
    const revoked_at = await this.#revocations.get(JSON.stringify([account_id, token_id]), () =>
      store.getTokenRevocation({ account_id, token_id }),
    );
    return revoked_at !== null && issued_at <= revoked_at;
  }

  /** In the background: whoever asks does not wait for it, and it may fail. */
  #touch({ api_key_id, last_used_at }: ApiKey, now: number): void {
    if (last_used_at !== null && now - last_used_at < TOUCH_EVERY_MS) return;
    if (this.#touching.has(api_key_id)) return;
    const { store, environment } = this.#options;
    const touched = store
      .touchApiKey({ api_key_id, now, unless_after: now - TOUCH_EVERY_MS })
      .catch((error: unknown) =>
        environment.logger.debug({ err: error, key: api_key_id }, 'The use of a key could not be noted'),
      )
      .then(() => {
        this.#touching.delete(api_key_id);
        this.#keys.forget(api_key_id);
      });
    this.#touching.set(api_key_id, touched);
  }
}
