import { expect, test } from 'vitest';
import { createUsage, type HttpOptions } from '../../src/index.ts';
import { createServed, TOKEN_SECRET } from './served.ts';

const PAGE = '/usage';

/** Paths of what the page itself names, beside it. */
function filesOf(html: string): string[] {
  return [...html.matchAll(/(?:src|href)="\.([^"]+)"/g)].map(([, path]) => path ?? '');
}

test('is there with its files, under a policy that lets nothing in from elsewhere, and asks nobody who it is', async () => {
  const { get } = createServed({ http: { usage_page: true } });
  const { status, headers, text } = await get(PAGE);
  expect(status).toBe(200);
  expect(Object.fromEntries(headers)).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'noindex',
    'cross-origin-opener-policy': 'same-origin',
  });
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|data:|\*/);
  // Nothing in it would be stopped by that policy.
  expect(text).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/);
  const files = filesOf(text);
  expect(files.length).toBeGreaterThanOrEqual(3);
  for (const path of files) {
    const file = await get(path);
    expect([path, file.status]).toEqual([path, 200]);
    expect(file.headers.get('cache-control')).toContain('immutable');
    expect(file.headers.get('referrer-policy')).toBe('no-referrer');
    // Nothing of the server has come along.
    expect(file.text).not.toMatch(/\b(?:sk|rk)_(?:test|live)|whsec_|process\.env|["']node:|postgres/);
  }
});

test('knows nothing of any account: it is the same for everybody', async () => {
  const { get, usage, send } = createServed({ http: { usage_page: true } });
  await usage.increment({ account: 'acct_1', quantity: 5 });
  const { token } = await usage.tokens.create({ account: 'acct_1' });
  const { text } = await get(PAGE);
  expect((await get(PAGE, token)).text).toBe(text);
  expect(text).not.toContain('acct_1');
  expect((await send('POST', PAGE)).status).toBe(405);
  expect((await get(`${PAGE}/assets/../../package.json`)).status).toBe(404);
  expect((await get(`${PAGE}/assets/`)).status).toBe(404);
});

test('is below the base path, is told what the app has said, and counts as other requests of an address do', async () => {
  const usage_page = {
    title: 'Usage of Studio',
    account_url: 'https://app.example.com/billing',
    locale: 'de',
    units: { credits: { one: 'Bild', other: 'Bilder' } },
  };
  const { get, send } = createServed({
    http: {
      usage_page,
      base_path: '/billing',
      client_ip_header: 'x-client',
      rate_limits: { per_ip: 2 },
    },
  });
  expect((await get(PAGE)).status).toBe(404);
  const ask = () => send('GET', `/billing${PAGE}`, { headers: { 'x-client': '192.0.2.1' } });
  const { text } = await ask();
  const [, content = ''] = /name="tallybook-page" content="([^"]*)"/.exec(text) ?? [];
  expect(JSON.parse(content.replaceAll('&quot;', '"'))).toEqual(usage_page);
  expect([(await ask()).status, (await ask()).status]).toEqual([200, 429]);
});

test('is not there where it is not asked for', async () => {
  for (const http of [{}, { usage_page: false }]) {
    expect((await createServed({ http }).get(PAGE)).status).toBe(404);
  }
});

test.each<[HttpOptions<'credits'>, RegExp]>([
  [{ usage_page: true }, /^http\.usage_page: .*token_secret/],
  [{ token_secret: TOKEN_SECRET, usage_page: { account_url: 'javascript:alert(1)' } }, /^http\.usage_page/],
  [{ token_secret: TOKEN_SECRET, usage_page: { locale: 'no_such' } }, /^http\.usage_page/],
  [{ token_secret: TOKEN_SECRET, usage_page: { title: 'x'.repeat(101) } }, /^http\.usage_page/],
  [
    { token_secret: TOKEN_SECRET, usage_page: { units: JSON.parse('{"tokens":{"other":"tokens"}}') } },
    /^http\.usage_page\.units\.tokens: .*credits/,
  ],
  [{ token_secret: TOKEN_SECRET, usage_page: { units: { credits: { other: '' } } } }, /^http\.usage_page/],
])('refuses %j', (http, message) => {
  expect(() => createUsage({ database: 'usage.db', meters: { credits: {} }, http })).toThrow(message);
});
