import assert from 'node:assert/strict';
import type { ApiKey } from '../core/access.ts';
import { MINUTE_MS } from '../core/instant.ts';
import type { Store } from '../core/store.ts';
import { type Check, NOW } from './store-scene.ts';

const LATER = NOW + MINUTE_MS;

/** What every store must do with keys and revocations. */
export function testAccess(check: Check): void {
  const create = async (store: Store, api_key_id: string, fields: Partial<ApiKey> = {}) => {
    const key = keyOf(api_key_id, fields);
    await store.createApiKey({ key, actor: 'ada' });
    return key;
  };
  const actions = async (store: Store) =>
    (await store.listAccessActions({ before: null, limit: 100 }))
      .toReversed()
      .map(({ action, subject, actor }) => [action, subject, actor]);

  check('a key is kept as it was created, with who created it', async (store) => {
    const key = await create(store, 'tbk_1', { name: 'CI', account_id: 'acct_1', expires_at: LATER });
    assert.deepEqual({ ...(await store.getApiKey({ api_key_id: 'tbk_1' })) }, key);
    assert.equal(await store.getApiKey({ api_key_id: 'tbk_2' }), null);
    assert.deepEqual(await actions(store), [['key_created', 'tbk_1', 'ada']]);
  });

  check('every combination of scopes is kept, others are refused', async (store) => {
    const combinations = [['read'], ['write'], ['read', 'write'], ['admin']] as const;
    for (const [index, scopes] of combinations.entries()) {
      await create(store, `tbk_${index}`, { scopes });
      assert.deepEqual((await store.getApiKey({ api_key_id: `tbk_${index}` }))?.scopes, scopes);
    }
    await assert.rejects(create(store, 'tbk_x', { scopes: [] }));
    await assert.rejects(create(store, 'tbk_y', { scopes: ['read', 'admin'] }));
    assert.equal((await actions(store)).length, combinations.length);
  });

  check('two keys never share a digest', async (store) => {
    const { secret_sha256 } = await create(store, 'tbk_1');
    await assert.rejects(create(store, 'tbk_2', { secret_sha256 }));
    assert.equal(await store.getApiKey({ api_key_id: 'tbk_2' }), null);
    assert.equal((await actions(store)).length, 1);
  });

  check('keys are listed in pages, in the order of their ids', async (store) => {
    for (const id of ['tbk_b', 'tbk_a', 'tbk_c']) await create(store, id);
    const first = await store.listApiKeys({ after: null, limit: 2 });
    const second = await store.listApiKeys({ after: 'tbk_b', limit: 2 });
    assert.deepEqual(
      [...first, ...second].map(({ api_key_id }) => api_key_id),
      ['tbk_a', 'tbk_b', 'tbk_c'],
    );
  });

  check('a key is revoked once, and stays so', async (store) => {
    await create(store, 'tbk_1');
    assert.equal(await store.revokeApiKey({ api_key_id: 'tbk_1', now: LATER, actor: 'bea' }), true);
    assert.equal(await store.revokeApiKey({ api_key_id: 'tbk_1', now: NOW, actor: 'cyd' }), false);
    assert.equal(await store.revokeApiKey({ api_key_id: 'tbk_9', now: NOW, actor: 'cyd' }), false);
    assert.equal((await store.getApiKey({ api_key_id: 'tbk_1' }))?.revoked_at, LATER);
    assert.deepEqual(await actions(store), [
      ['key_created', 'tbk_1', 'ada'],
      ['key_revoked', 'tbk_1', 'bea'],
    ]);
  });

  check('a rotated key ends with the overlap, or before where it would anyway', async (store) => {
    const rotate = (api_key_id: string, ends_at: number, now = NOW) =>
      store.rotateApiKey({
        api_key_id,
        replacement: keyOf(`${api_key_id}_next`),
        ends_at,
        now,
        actor: 'bea',
      });
    await create(store, 'tbk_1');
    await create(store, 'tbk_2', { expires_at: LATER });
    assert.equal(await rotate('tbk_1', LATER + 1), true);
    assert.equal(await rotate('tbk_2', LATER + 1), true);
    assert.equal((await store.getApiKey({ api_key_id: 'tbk_1' }))?.expires_at, LATER + 1);
    assert.equal((await store.getApiKey({ api_key_id: 'tbk_2' }))?.expires_at, LATER);
    assert.equal((await store.getApiKey({ api_key_id: 'tbk_1_next' }))?.revoked_at, null);
    assert.deepEqual((await actions(store)).slice(2, 4), [
      ['key_rotated', 'tbk_1', 'bea'],
      ['key_created', 'tbk_1_next', 'bea'],
    ]);
  });

  check('a key that has ended, was revoked or is unknown is not rotated', async (store) => {
    const rotate = (api_key_id: string, now: number) =>
      store.rotateApiKey({
        api_key_id,
        replacement: keyOf(`${api_key_id}_next`),
        ends_at: now,
        now,
        actor: 'bea',
      });
    await create(store, 'tbk_1', { expires_at: LATER });
    await create(store, 'tbk_2');
    await store.revokeApiKey({ api_key_id: 'tbk_2', now: NOW, actor: 'ada' });
    for (const id of ['tbk_1', 'tbk_2', 'tbk_9']) {
      assert.equal(await rotate(id, LATER), false);
      assert.equal(await store.getApiKey({ api_key_id: `${id}_next` }), null);
    }
  });

  check('the use of a key is noted at most once in a while', async (store) => {
    await create(store, 'tbk_1');
    const touch = async (now: number) => {
      await store.touchApiKey({ api_key_id: 'tbk_1', now, unless_after: now - MINUTE_MS });
      return (await store.getApiKey({ api_key_id: 'tbk_1' }))?.last_used_at;
    };
    assert.equal(await touch(NOW), NOW);
    assert.equal(await touch(NOW + MINUTE_MS - 1), NOW);
    assert.equal(await touch(NOW + MINUTE_MS), NOW + MINUTE_MS);
  });

  check('tokens are revoked one by one or all of an account, and of no other', async (store) => {
    const revoke = (token_id: string | null, revoked_at: number, account_id = 'acct_1') =>
      store.revokeTokens({
        account_id,
        token_id,
        revoked_at,
        forget_at: revoked_at + MINUTE_MS,
        actor: 'ada',
      });
    const revocation = (token_id: string, account_id = 'acct_1') =>
      store.getTokenRevocation({ account_id, token_id });
    await revoke('t1', NOW);
    assert.deepEqual([await revocation('t1'), await revocation('t2')], [NOW, null]);
    await revoke(null, NOW + 5);
    assert.deepEqual([await revocation('t1'), await revocation('t2')], [NOW + 5, NOW + 5]);
    assert.equal(await revocation('t1', 'acct_2'), null);
    await revoke(null, NOW + 1);
    assert.equal(await revocation('t2'), NOW + 5);
  });

  check(
    'revocations are forgotten with the tokens, and never more than a hundred are kept',
    async (store) => {
      const revoke = (token_id: string, revoked_at: number) =>
        store.revokeTokens({
          account_id: 'acct_1',
          token_id,
          revoked_at,
          forget_at: revoked_at + MINUTE_MS,
          actor: 'ada',
        });
      const revocation = (token_id: string) => store.getTokenRevocation({ account_id: 'acct_1', token_id });
      await revoke('old', NOW);
      await revoke('new', NOW + MINUTE_MS);
      assert.deepEqual([await revocation('old'), await revocation('new')], [null, NOW + MINUTE_MS]);
      for (let index = 0; index < 99; index += 1) await revoke(`t${index}`, LATER);
      assert.equal(await revocation('other'), null);
      await revoke('one more', LATER);
      assert.deepEqual([await revocation('one more'), await revocation('other')], [LATER, LATER]);
    },
  );

  check('what was done is told from the newest, a page at a time', async (store) => {
    for (const id of ['tbk_1', 'tbk_2', 'tbk_3']) await create(store, id);
    const [newest, next] = await store.listAccessActions({ before: null, limit: 2 });
    assert.deepEqual([newest?.subject, next?.subject], ['tbk_3', 'tbk_2']);
    const [oldest, ...others] = await store.listAccessActions({ before: next?.action_id ?? 0, limit: 2 });
    assert.equal(oldest?.subject, 'tbk_1');
    assert.deepEqual(others, []);
  });
}

function keyOf(api_key_id: string, fields: Partial<ApiKey> = {}): ApiKey {
  return {
    api_key_id,
    name: null,
    scopes: ['read'],
    account_id: null,
    secret_sha256: Buffer.from(api_key_id).toString('hex').padEnd(64, '0'),
    created_at: NOW,
    expires_at: null,
    revoked_at: null,
    last_used_at: null,
    ...fields,
  };
}
