import { describe, expect, test } from 'vitest';
import { setRemoteAddress } from '../../src/http/remote-address.ts';
import { createUsage, UsageError } from '../../src/index.ts';
import { composeUsage } from '../../src/usage.ts';
import { createServed, TOKEN_SECRET } from './served.ts';

describe('errors', () => {
  test('are problem details with a code, a remedy and the id of the request', async () => {
    const { send } = createServed();
    const answer = await send('GET', '/v1/usage', { headers: { 'x-request-id': 'abc-123' } });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('x-request-id')).toBe('abc-123');
    expect(answer.json).toEqual({
      type: '/reference#unauthenticated',
      title: 'The request has no valid API key or token.',
      status: 401,
      detail: 'The request has no valid API key or token.',
      code: 'unauthenticated',
      remedy: expect.stringContaining('tallybook keys create'),
      request_id: 'abc-123',
    });
  });

  test('point to their description on the reference page, also below a base path', async () => {
    const { get } = createServed({ http: { base_path: '/billing' } });
    const { json } = await get('/billing/v1/usage');
    expect(json.type).toBe('/billing/reference#unauthenticated');
    expect((await get('/billing/reference')).text).toContain('id="unauthenticated"');
    expect((await get('/v1/usage')).status).toBe(404);
  });

  test('of single items point there as well', async () => {
    const { post, createKey } = createServed({ http: { base_path: '/billing' } });
    const key = await createKey(['write']);
    const items = await post('/billing/v1/usage/batch', key, { increments: [{ account: '' }] });
    expect(items.json.results[0].error.type).toBe('/billing/reference#invalid_account');
    const events = await post('/billing/v1/events', key, [{ specversion: '0.3' }]);
    expect(events.json.results[0].error.type).toBe('/billing/reference#invalid_cloud_event');
  });

  test.each(['', 'a b', 'a\u00e9', 'x'.repeat(129), '<script>', '"'])(
    'take no id such as %.20j',
    async (id) => {
      const { send } = createServed();
      const { headers } = await send('GET', '/healthz', { headers: { 'x-request-id': id } });
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    },
  );

  test('of ours say nothing of what is behind them, and are told to the app', async () => {
    const errors: unknown[] = [];
    const secret = 'postgres://user:hunter2@db/x sk_live_abc';
    const usage = composeUsage(
      {
        database: { path: '/tmp/never-opened.db', thread: 'in_thread' },
        meters: { credits: {} },
        http: { token_secret: TOKEN_SECRET },
        onError: (error) => errors.push(error),
        logger: { debug() {}, info() {}, warn() {}, error() {} },
      },
      {
        provider: (provider) => provider,
        store: (store) => ({
          ...store,
          getTokenRevocation: async () => null,
          getAccount: () =>
            Promise.reject(new UsageError('storage_failed', { reason: secret, cause: new Error(secret) })),
          listAccounts: () => Promise.reject(new Error(secret)),
        }),
      },
    );
    const { token } = await usage.tokens.create({ account: 'a' });
    const request = new Request('http://localhost/v1/usage', {
      headers: { authorization: `Bearer ${token}` },
    });
    const response = await usage.handler(request);
    const text = await response.text();
    expect([response.status, JSON.parse(text).code]).toEqual([500, 'storage_failed']);
    expect(text).not.toMatch(/hunter2|sk_live|postgres/);
    expect(errors).toEqual([expect.objectContaining({ code: 'storage_failed' })]);
    await usage.close();
  });

  test('do not repeat a key that was sent in the wrong place', async () => {
    const { post, createKey } = createServed();
    const key = await createKey(['write']);
    for (const secret of [key, 'sk_live_51abcdef', 'whsec_abcdef']) {
      const { status, text } = await post('/v1/usage', key, { account: ['x'], [secret]: 1 });
      expect(status).toBe(400);
      expect(text).not.toContain(secret);
      const query = await post(`/v1/usage?${secret}=1`, key, { account: 'x' });
      expect(query.text).not.toContain(secret);
    }
  });
});

describe('rate limits', () => {
  test('of a key: what is left is told, beyond it is refused until the next second', async () => {
    const { get, createKey, clock } = createServed({ http: { rate_limits: { per_key: 3 } } });
    const key = await createKey(['read']);
    const other = await createKey(['read']);
    const left: (string | null)[] = [];
    for (let request = 0; request < 3; request += 1) {
      const { headers } = await get('/v1/plans', key);
      left.push(headers.get('ratelimit'));
      expect(headers.get('ratelimit-policy')).toBe('"key";q=3;w=1');
    }
    expect(left).toEqual(['"key";r=2;t=1', '"key";r=1;t=1', '"key";r=0;t=1']);
    const refused = await get('/v1/plans', key);
    expect([refused.status, refused.json.code, refused.headers.get('retry-after')]).toEqual([
      429,
      'rate_limited',
      '1',
    ]);
    expect((await get('/v1/plans', other)).status).toBe(200);
    clock.advance(1_000);
    expect((await get('/v1/plans', key)).status).toBe(200);
  });

  test('of an address count before the key is looked at, so that guessing is slow', async () => {
    const { usage } = createServed({ http: { rate_limits: { per_ip: 5 } } });
    const from = async (address: string, key: string) => {
      const request = new Request('http://localhost/v1/plans', {
        headers: { authorization: `Bearer ${key}` },
      });
      setRemoteAddress(request, address);
      return (await usage.handler(request)).status;
    };
    const statuses: number[] = [];
    for (let guess = 0; guess < 7; guess += 1) statuses.push(await from('192.0.2.1', `tbk_${guess}`));
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect(await from('192.0.2.2', 'tbk_x')).toBe(401);
  });

  test('of an address believe a header only where it is configured, and of a list the last entry', async () => {
    const send = async (http: object, header: string) => {
      const { send: request } = createServed({ http: { rate_limits: { per_ip: 1 }, ...http } });
      const statuses = [];
      for (let index = 0; index < 2; index += 1) {
        const forwarded = header.replace('N', String(index));
        statuses.push(
          (await request('GET', '/v1/plans', { headers: { 'x-forwarded-for': forwarded } })).status,
        );
      }
      return statuses;
    };
    const configured = { client_ip_header: 'x-forwarded-for' };
    expect(await send(configured, '10.0.0.N, 192.0.2.1')).toEqual([401, 429]);
    expect(await send(configured, '192.0.2.N')).toEqual([401, 401]);
    expect(await send({}, '192.0.2.1')).toEqual([401, 401]);
  });

  test.each<[string, readonly (string | null)[]]>([
    ['without the header', [null, null]],
    ['an entry that is empty', ['192.0.2.1, ', '192.0.2.2,']],
    ['an entry that is too long', ['1'.repeat(65), '2'.repeat(65)]],
    ['an entry that is no address', ['unknown', 'nobody']],
    ['other ports', ['192.0.2.1:1000', '192.0.2.1:1001', '192.0.2.1']],
    ['other ports of IPv6', ['[2001:db8::1]:1000', '[2001:db8::1]:1001', '2001:db8::1']],
    ['other addresses of a network', ['2001:db8::1', '2001:db8:0:0:ffff::', '2001:db8::ffff:1%eth0']],
    ['other spellings', ['2001:db8::1', '2001:DB8::1', '2001:0db8:0:0:0:0:0:1']],
    ['an address of IPv4 as one of IPv6', ['192.0.2.1', '::ffff:192.0.2.1', '::ffff:c000:201']],
  ])('of an address behind a proxy are not evaded by %s', async (_, entries) => {
    const http = { rate_limits: { per_ip: 1 }, client_ip_header: 'x-forwarded-for' };
    const { usage } = createServed({ http });
    const statuses: number[] = [];
    for (const entry of entries) {
      const request = new Request('http://localhost/v1/plans');
      if (entry !== null) request.headers.set('x-forwarded-for', entry);
      setRemoteAddress(request, '198.51.100.1');
      statuses.push((await usage.handler(request)).status);
    }
    expect(statuses).toEqual([401, ...entries.slice(1).map(() => 429)]);
  });

  test('of an address tell networks of IPv6 apart', async () => {
    const { usage } = createServed({ http: { rate_limits: { per_ip: 1 } } });
    for (const address of ['2001:db8::1', '2001:db8:0:1::1', '2001:db8:1::1', '::1']) {
      const request = new Request('http://localhost/v1/plans');
      setRemoteAddress(request, address);
      expect((await usage.handler(request)).status).toBe(401);
    }
  });

  test('of what Stripe is asked keep the tokens of one account from using up the limits of all', async () => {
    const { get, usage, createKey, clock } = createServed({ http: { rate_limits: { stripe: 2 } } });
    for (const account of ['a', 'b']) await usage.increment({ account });
    const tokenOf = async (account: string) => (await usage.tokens.create({ account })).token;
    const ask = async (key: string, path = '/v1/invoices') => {
      const { status, headers } = await get(path, key);
      return [status, headers.get('retry-after')];
    };
    const tokens = [await tokenOf('a'), await tokenOf('a'), await tokenOf('a')];
    const statuses = await Promise.all(tokens.map((token) => ask(token)));
    expect(statuses).toEqual([
      [200, null],
      [200, null],
      [429, '1'],
    ]);
    // Its own usage it still reads, others are not held up, and a key of the app's asks as often as it likes.
    expect((await ask(await tokenOf('a'), '/v1/usage'))[0]).toBe(200);
    expect((await ask(await tokenOf('b')))[0]).toBe(200);
    const key = await createKey(['read'], 'a');
    for (let index = 0; index < 5; index += 1) expect((await ask(key))[0]).toBe(200);
    clock.advance(1_000);
    expect((await ask(await tokenOf('a')))[0]).toBe(200);
  });

  test('let health checks pass', async () => {
    const { get, usage } = createServed({ http: { rate_limits: { per_ip: 1 } } });
    for (let index = 0; index < 20; index += 1) {
      const request = new Request('http://localhost/healthz');
      setRemoteAddress(request, '192.0.2.1');
      expect((await usage.handler(request)).status).toBe(200);
    }
    expect((await get('/readyz')).json).toEqual({ status: 'ok' });
  });
});

describe('other origins', () => {
  const http = { allowed_origins: ['https://app.example.com'] };
  const preflight = {
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'authorization',
  };

  test('that are allowed may read answers and send a token', async () => {
    const { send } = createServed({ http });
    const origin = 'https://app.example.com';
    const asked = await send('OPTIONS', '/v1/usage', { headers: { origin, ...preflight } });
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-origin')).toBe(origin);
    expect(asked.headers.get('access-control-allow-headers')).toContain('Authorization');
    const answer = await send('GET', '/v1/usage', { headers: { origin } });
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    expect(answer.headers.get('vary')).toContain('Origin');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  });

  test.each([
    'https://evil.example.com',
    'https://app.example.com.evil.com',
    'http://app.example.com',
    'null',
    '',
  ])('such as %j may not', async (origin) => {
    const { send } = createServed({ http });
    for (const method of ['OPTIONS', 'GET']) {
      const answer = await send(method, '/v1/usage', { headers: { origin, ...preflight } });
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  test('may not by default', async () => {
    const { send } = createServed();
    const answer = await send('GET', '/healthz', { headers: { origin: 'https://app.example.com' } });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('the reference page', () => {
  test('has no script, loads nothing from elsewhere and is shown in no frame', async () => {
    const { get } = createServed();
    const page = await get('/reference');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(page.text).not.toMatch(/<script|\son\w+=|\sstyle=|https?:\/\//i);
    const style = await get('/reference.css');
    expect(style.headers.get('content-type')).toBe('text/css; charset=utf-8');
  });

  test.each(['', '/billing'])('and the document name what is beside them, mounted at "%s"', async (base) => {
    const apart = createServed();
    const whole = createServed({ http: base === '' ? {} : { base_path: base } });
    // Express and others take off what stands before the path.
    for (const { get, taken } of [
      { get: apart.get, taken: base.length },
      { get: whole.get, taken: 0 },
    ]) {
      const url = `http://localhost${base}/reference`;
      const { text } = await get(`${base}/reference`.slice(taken));
      const links = [...text.matchAll(/href="([^#"][^"]*)"/g)].map(
        ([, link = '']) => new URL(link, url).pathname,
      );
      expect(links).toEqual([`${base}/reference.css`, `${base}/openapi.json`]);
      for (const link of links) expect((await get(link.slice(taken))).status).toBe(200);
      const { json } = await get(`${base}/openapi.json`.slice(taken));
      const server = new URL(json.servers[0].url, `http://localhost${base}/openapi.json`);
      expect(server.pathname.replace(/\/$/, '')).toBe(base);
    }
  });

  test('names every route and every error', async () => {
    const { get } = createServed();
    const { json } = await get('/openapi.json');
    const { text } = await get('/reference');
    for (const path of Object.keys(json.paths)) expect(text).toContain(`<code>${path}</code>`);
    for (const code of json.components.schemas.Problem.properties.code.enum)
      expect(text).toContain(`id="${code}"`);
  });
});

test('a cookie is neither set nor read: what another site’s page makes a browser send says nothing of who asks', async () => {
  const { send, createKey, usage } = createServed({ http: { usage_page: true } });
  const key = await createKey(['admin']);
  await usage.increment({ account: 'a' });
  const { token } = await usage.tokens.create({ account: 'a' });
  for (const path of ['/v1/plans', '/v1/usage?account=a', '/usage', '/healthz']) {
    expect((await send('GET', path, { key })).headers.get('set-cookie')).toBeNull();
  }
  for (const secret of [key, token]) {
    const headers = { cookie: `authorization=Bearer ${secret}; token=${secret}; tallybook-token=${secret}` };
    expect((await send('GET', '/v1/usage?account=a', { headers })).status).toBe(401);
  }
});

test('no answer is kept by a cache or taken for another type', async () => {
  const { get, createKey } = createServed();
  const key = await createKey(['read']);
  for (const path of ['/v1/plans', '/v1/nothing', '/healthz', '/openapi.json']) {
    const { headers } = await get(path, key);
    expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual([
      'no-store',
      'nosniff',
    ]);
  }
});

test('adjustments and decisions keep which key made them', async () => {
  const { post, get, createKey, usage } = createServed();
  await usage.increment({ account: 'a', quantity: 10 });
  const key = await createKey(['admin']);
  const adjusted = await post('/v1/adjustments', key, {
    account: 'a',
    quantity: -3,
    reason: 'Twice.',
    actor: 'ada',
  });
  expect(adjusted.json).toEqual({ recorded: true, duplicate: false });
  const { json } = await get('/v1/explanations/report?account=a&report=1', key);
  expect(json.entries.page.at(-1).adjustment).toEqual({
    reason: 'Twice.',
    actor: `ada (${key.slice(0, 20)})`,
  });
});

describe('a closed app', () => {
  test('answers that it is closed, and that it is alive', async () => {
    const { get, createKey, usage } = createServed();
    const key = await createKey(['read']);
    await get('/v1/plans', key);
    await usage.close();
    expect(await get('/v1/plans', key)).toMatchObject({ status: 503, json: { code: 'closed' } });
    expect((await get('/healthz')).status).toBe(200);
  });
});

test('a database that cannot be opened leaves the health check, and not the readiness', async () => {
  const errors: unknown[] = [];
  const usage = createUsage({
    database: '/proc/nowhere/usage.db',
    meters: { credits: {} },
    onError: (error) => errors.push(error),
  });
  const ask = async (path: string) => (await usage.handler(new Request(`http://localhost${path}`))).status;
  expect([await ask('/healthz'), await ask('/readyz'), await ask('/openapi.json')]).toEqual([200, 503, 200]);
  await usage.close();
});
