import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { createUsage, type ReportResult, UsageError } from '../../src/index.ts';
import { temporaryDirectory } from '../support/folders.ts';
import { createBilled } from './billed.ts';
import { createServed, TOKEN_SECRET } from './served.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A busy machine takes its time. */
const PATIENT = { timeout: 30_000 };
const statusOf = async (served: ReturnType<typeof createServed>, key: string) =>
  (await served.get('/v1/usage?account=a', key)).status;

async function createWithAccount() {
  const served = createServed();
  await served.usage.increment({ account: 'a' });
  return served;
}

/** An account with a report that Stripe accepted and never counted, one that Stripe refused, and one that is open. */
async function createTroubled() {
  const billed = await createBilled();
  const { usage, stripe, simulator, clock } = billed;
  await billed.subscribe('a');
  await usage.increment({ account: 'a', quantity: 7 });
  simulator.faults.add({ kind: 'reject_async' });
  await billed.pass(3 * DAY);
  await usage.increment({ account: 'a', quantity: 5 });
  const { data: meters } = await stripe.billing.meters.list();
  for (const { id } of meters) await stripe.billing.meters.deactivate(id);
  clock.advance(HOUR);
  await usage.report();
  const { token } = await usage.tokens.create({ account: 'a' });
  return { ...billed, token };
}

describe('keys', () => {
  test('are shown once, and the database has nothing that a key could be made of', async () => {
    const path = join(temporaryDirectory(), 'usage.db');
    const { usage } = createServed({ options: { database: { path, thread: 'in_thread' } } });
    const { secret, key } = await usage.keys.create({ scopes: ['read'], name: 'CI', actor: 'ada' });
    const { keys } = await usage.keys.list();
    expect(keys).toMatchObject([{ key, name: 'CI', scopes: ['read'], account: null, status: 'good' }]);
    expect(JSON.stringify(keys)).not.toContain(secret.slice(20));
    const database = new DatabaseSync(path);
    const rows = ['api_key', 'access_action'].map((table) =>
      database.prepare(`SELECT * FROM ${table}`).all(),
    );
    database.close();
    expect(JSON.stringify(rows)).toContain(key);
    expect(JSON.stringify(rows)).not.toContain(secret.slice(20, 40));
  });

  test('end when they are revoked, within a second also where they were just used', async () => {
    const served = await createWithAccount();
    const { secret, key } = await served.usage.keys.create({ scopes: ['read'] });
    expect(await statusOf(served, secret)).toBe(200);
    await served.usage.keys.revoke({ key });
    served.clock.advance(SECOND - 1);
    expect(await statusOf(served, secret)).toBe(401);
    await expect(served.usage.keys.revoke({ key })).rejects.toMatchObject({ code: 'api_key_not_found' });
  });

  test('end with their time', async () => {
    const served = await createWithAccount();
    const expires_at = new Date(served.clock.now() + 10 * SECOND);
    const { secret } = await served.usage.keys.create({ scopes: ['read'], expires_at });
    served.clock.advance(10 * SECOND - 1);
    expect(await statusOf(served, secret)).toBe(200);
    served.clock.advance(1);
    expect(await statusOf(served, secret)).toBe(401);
    expect((await served.usage.keys.list()).keys).toMatchObject([{ status: 'expired' }]);
  });

  test('are rotated with an overlap, in which both are good', async () => {
    const served = await createWithAccount();
    const old = await served.usage.keys.create({ scopes: ['read'], name: 'CI', account: 'a' });
    const next = await served.usage.keys.rotate({ key: old.key, actor: 'ada' });
    expect(next).toMatchObject({ name: 'CI', scopes: ['read'], account: 'a', status: 'good' });
    expect([await statusOf(served, old.secret), await statusOf(served, next.secret)]).toEqual([200, 200]);
    served.clock.advance(DAY);
    expect([await statusOf(served, old.secret), await statusOf(served, next.secret)]).toEqual([401, 200]);
    await expect(served.usage.keys.rotate({ key: old.key })).rejects.toMatchObject({
      code: 'api_key_not_found',
    });
  });

  test('tell when they were last used, to the minute', async () => {
    const served = await createWithAccount();
    const { secret } = await served.usage.keys.create({ scopes: ['read'] });
    const lastUsed = async () => (await served.usage.keys.list()).keys[0]?.last_used_at;
    expect(await lastUsed()).toBeNull();
    const first = new Date(served.clock.now()).toISOString();
    await statusOf(served, secret);
    await expect.poll(lastUsed, PATIENT).toBe(first);
    served.clock.advance(59 * SECOND);
    await statusOf(served, secret);
    expect(await lastUsed()).toBe(first);
    served.clock.advance(SECOND);
    await statusOf(served, secret);
    await expect.poll(lastUsed, PATIENT).toBe(new Date(served.clock.now()).toISOString());
  });

  test('have a history that says who did what', async () => {
    const { usage } = createServed();
    const { key } = await usage.keys.create({ scopes: ['admin'], actor: 'ada' });
    const { key: next } = await usage.keys.rotate({ key, actor: 'bea' });
    await usage.keys.revoke({ key: next });
    await usage.tokens.revoke({ account: 'a', actor: 'cyd' });
    const { actions } = await usage.keys.history();
    expect(actions.map(({ action, subject, actor }) => [action, subject, actor])).toEqual([
      ['tokens_revoked', 'a', 'cyd'],
      ['key_revoked', next, 'unknown'],
      ['key_created', next, 'bea'],
      ['key_rotated', key, 'bea'],
      ['key_created', key, 'ada'],
    ]);
    const page = await usage.keys.history({ limit: 2 });
    const rest = await usage.keys.history({ limit: 1, after: page.next ?? '' });
    expect(rest.actions[0]?.subject).toBe(next);
  });

  test.each([
    [{ scopes: [] }, 'scopes'],
    [{ scopes: ['root'] }, 'scopes'],
    [{ scopes: ['read', 'root'] }, 'scopes'],
    [{ scopes: 'admin' }, 'scopes'],
    [{}, 'scopes'],
    [{ scopes: ['read'], name: '' }, 'name'],
    [{ scopes: ['read'], name: 'a\u202eb' }, 'name'],
    [{ scopes: ['read'], account: ' ' }, 'account'],
    [{ scopes: ['read'], expires_at: '2020-01-01' }, 'expires_at'],
    [{ scopes: ['read'], expires_at: 1_800_000_000 }, 'expires_at'],
    [{ scopes: ['read'], expire_at: '2030-01-01' }, 'expire_at'],
  ])('%j creates none', async (params, field) => {
    const { usage } = createServed();
    await expect(usage.keys.create(params as never)).rejects.toMatchObject({ field });
    expect((await usage.keys.list()).keys).toEqual([]);
  });

  test('that were pasted where an id belongs are not repeated in the error', async () => {
    const { usage } = createServed();
    const { secret } = await usage.keys.create({ scopes: ['read'] });
    const error: unknown = await usage.keys.revoke({ key: secret }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).not.toContain(secret.slice(0, 30));
  });
});

describe('browser tokens', () => {
  test('are revoked one by one or all of an account, within a second', async () => {
    const served = await createWithAccount();
    const { usage, clock } = served;
    const [one, two] = [
      await usage.tokens.create({ account: 'a' }),
      await usage.tokens.create({ account: 'a' }),
    ];
    expect([await statusOf(served, one.token), await statusOf(served, two.token)]).toEqual([200, 200]);
    await usage.tokens.revoke({ account: 'a', token_id: one.token_id });
    clock.advance(SECOND - 1);
    expect([await statusOf(served, one.token), await statusOf(served, two.token)]).toEqual([401, 200]);
    await usage.tokens.revoke({ account: 'a' });
    clock.advance(SECOND);
    expect(await statusOf(served, two.token)).toBe(401);
    expect(await statusOf(served, (await usage.tokens.create({ account: 'a' })).token)).toBe(200);
  });

  test('of another account stay good', async () => {
    const served = await createWithAccount();
    const { token } = await served.usage.tokens.create({ account: 'a' });
    await served.usage.tokens.revoke({ account: 'b' });
    served.clock.advance(SECOND);
    expect(await statusOf(served, token)).toBe(200);
  });

  test('show the account its usage, and nothing of what went wrong inside', async () => {
    const { get, createKey, token, usage } = await createTroubled();
    const fields = ({ status, reason, reported, quantity, last_error }: ReportResult) => [
      ...[status, reason, reported, quantity],
      last_error !== null,
    ];
    const inside = (await usage.get({ account: 'a' })).reports.map(fields);
    expect(inside).toEqual([
      ['held', 'not_counted', true, 7, true],
      ['failed', null, false, 5, true],
      ['open', null, false, 0, false],
    ]);
    const keys = await get('/v1/usage?account=a', await createKey(['read']));
    expect(keys.json.reports.map(fields)).toEqual(inside);
    const shown = await get('/v1/usage', token);
    expect(shown.json.reports.map(fields)).toEqual([
      ['reported', null, true, 7, false],
      ['closed', null, false, 5, false],
      ['open', null, false, 0, false],
    ]);
  });

  test('show as little of each meter where there are several', async () => {
    const { usage, get, clock } = createServed({
      options: { meters: { credits: {}, tokens: {} }, plans: {} } as object,
    });
    await usage.increment({ account: 'a', meter: 'credits' });
    clock.advance(31 * DAY);
    await usage.report();
    const range = 'period_start=2026-01-01&period_end=2026-03-01';
    const { token } = await usage.tokens.create({ account: 'a' });
    const { meters } = (await get(`/v1/usage?${range}`, token)).json;
    expect(meters.credits.reports).toMatchObject([{ status: 'closed', reason: null, quantity: 1 }]);
    const { secret } = await usage.keys.create({ scopes: ['read'] });
    const inside = await get(`/v1/usage?account=a&${range}`, secret);
    expect(inside.json.meters.credits.reports).toMatchObject([{ status: 'closed', reason: 'unlinked' }]);
  });

  test('show the plans that are listed, and that of the account', async () => {
    const served = await createWithAccount();
    await served.usage.accounts.set({ account: 'a', plan: 'secret' });
    const { token } = await served.usage.tokens.create({ account: 'a' });
    const plans = await served.get('/v1/plans', token);
    expect(plans.json.plans.map(({ plan }: { readonly plan: string }) => plan)).toEqual([
      'free',
      'pro',
      'secret',
    ]);
    expect(plans.text).not.toMatch(/stripe|lookup/);
    const everybody = await served.get('/v1/plans', await served.createKey(['read']));
    expect(everybody.json.plans.map(({ plan }: { readonly plan: string }) => plan)).toEqual(['free', 'pro']);
  });
});

describe('a configuration', () => {
  const create = (http: object) => () =>
    createUsage({ database: '/tmp/never-opened.db', meters: { credits: {} }, http });

  test.each([
    [{ token_secret: 'x'.repeat(31) }, 'http.token_secret'],
    [{ token_secret: undefined }, 'http.token_secret'],
    [{ token_secret: '' }, 'http.token_secret'],
    [{ allowed_origins: ['*'] }, 'http.allowed_origins[0]'],
    [{ allowed_origins: ['https://app.example.com/'] }, 'http.allowed_origins[0]'],
    [{ allowed_origins: ['null'] }, 'http.allowed_origins[0]'],
    [{ base_path: 'billing' }, 'http.base_path'],
    [{ base_path: '/billing/' }, 'http.base_path'],
    [{ base_path: '/a?b' }, 'http.base_path'],
    [{ rate_limits: { per_key: 0 } }, 'http.rate_limits.per_key'],
    [{ cloud_events: { x: { meter: 'tokens' } } }, 'http.cloud_events.x.meter'],
    [{ cloud_events: { x: { meter: 'credits', quantity: 'tokens' } } }, 'http.cloud_events.x.quantity'],
    [{ tokens: 'x' }, 'http.tokens'],
  ])('with %j is refused', (http, field) => {
    expect(create(http)).toThrow(expect.objectContaining({ code: 'invalid_configuration', field }));
  });

  test('is never shown with its secret', () => {
    expect(create({ token_secret: 'short and secret' })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('short and secret') }),
    );
    expect(create({ token_secret: TOKEN_SECRET })).not.toThrow();
  });
});
