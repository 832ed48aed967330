import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type ClientOptions, createClient, type RequestError } from '../../src/client/index.ts';
import { MAX_WAITING_CALLS } from '../../src/client/outbox.ts';
import type { Scope } from '../../src/index.ts';
import { createServed } from '../http/served.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** What happens to a request on its way; the last entry is for all that follow. */
type Weather = 'fine' | 'lost request' | 'lost answer' | Response;

/** The client of a real handler, over a network that can be made bad. */
async function connected(options: Partial<ClientOptions> = {}, scopes: readonly Scope[] = ['write', 'read']) {
  const served = createServed();
  const key = await served.createKey(scopes);
  const requests: Request[] = [];
  let weather: Weather[] = [];
  const authorized = 'token' in options || 'getToken' in options;
  const client = createClient({
    base_url: 'http://usage.test/',
    ...(authorized ? {} : { api_key: key }),
    async fetch(url, init) {
      const request = new Request(url, init);
      requests.push(request.clone());
      const today = weather.shift() ?? 'fine';
      if (today instanceof Response) return today;
      if (today === 'lost request') throw new TypeError('fetch failed');
      const response = await served.usage.handler(request);
      if (today === 'lost answer') throw new TypeError('fetch failed');
      return response;
    },
    ...options,
  });
  return {
    ...served,
    client,
    requests,
    bodyOf: async (index: number) => (await requests[index]?.clone().json()) ?? null,
    /** Of the requests from now on. */
    setWeather(...next: Weather[]) {
      weather = next;
    },
  };
}

const problem = (status: number, headers: Record<string, string> = {}) =>
  new Response('<html>', { status, headers });

async function refusalOf(call: Promise<unknown>): Promise<RequestError> {
  return await call.then(
    () => {
      throw new Error('It was not refused.');
    },
    (error: RequestError) => error,
  );
}

/** What becomes of a call while its waits pass; the server is real, and answers in its own time. */
async function patiently<Result>(call: Promise<Result>): Promise<Result> {
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  call.then(end, end);
  while (!isOver) {
    await vi.advanceTimersByTimeAsync(500);
    await nextTurn();
  }
  return await call;
}

describe('recording', () => {
  test('a lone call is counted by one request, at once', async () => {
    const { client, requests, usage } = await connected();
    expect(await client.record({ account: 'a', quantity: 3 })).toEqual({ recorded: true, duplicate: false });
    expect(requests).toHaveLength(1);
    expect((await usage.get({ account: 'a' })).quantity).toBe(3);
  });

  test('calls made together, or while a request is under way, share a request; plain ones an increment', async () => {
    const { client, requests, bodyOf, usage } = await connected();
    const first = client.record({ account: 'a' });
    const together = client.record({ account: 'a', quantity: 2 });
    await vi.waitFor(() => expect(requests).toHaveLength(1));
    const meanwhile = Array.from({ length: 50 }, (_, index) =>
      client.record({ account: index % 2 ? 'a' : 'b' }),
    );
    const keyed = client.record({ account: 'a', idempotency_key: 'k', quantity: 5 });
    await Promise.all([first, together, ...meanwhile, keyed]);
    expect(requests).toHaveLength(2);
    expect((await bodyOf(0)).increments).toMatchObject([{ account: 'a', quantity: 3 }]);
    expect((await bodyOf(1)).increments).toMatchObject([
      { account: 'b', quantity: 25 },
      { account: 'a', quantity: 25 },
      { account: 'a', quantity: 5, idempotency_key: 'k' },
    ]);
    expect((await usage.get({ account: 'a' })).quantity).toBe(33);
  });

  test('more than 1,000 go in several requests', async () => {
    const { client, requests, usage } = await connected();
    const calls = Array.from({ length: 1_001 }, (_, i) =>
      client.record({ account: 'a', idempotency_key: `k${i}` }),
    );
    await Promise.all(calls);
    expect(requests).toHaveLength(2);
    expect((await usage.get({ account: 'a' })).quantity).toBe(1_001);
  });

  test('a lost answer, a lost request and trouble of the server are repeated with the same key, and count once', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { client, bodyOf, setWeather, usage } = await connected();
    setWeather('lost answer', 'lost request', problem(502), 'fine');
    expect(await patiently(client.record({ account: 'a', quantity: 4 }))).toEqual({
      recorded: true,
      duplicate: false,
    });
    const keys = [0, 1, 2, 3].map(async (index) => (await bodyOf(index)).increments[0].idempotency_key);
    expect(new Set(await Promise.all(keys)).size).toBe(1);
    expect((await usage.get({ account: 'a' })).quantity).toBe(4);
  });

  test('waits as long as Retry-After says', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { client, requests, setWeather } = await connected();
    setWeather(problem(429, { 'Retry-After': '7' }), 'fine');
    const call = client.record({ account: 'a' });
    await vi.advanceTimersByTimeAsync(6_999);
    expect(requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await call).toEqual({ recorded: true, duplicate: false });
  });

  test('gives up after so many attempts, and says that the server was not reached', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { client, requests, setWeather } = await connected({ max_attempts: 3 });
    setWeather(...Array.from({ length: 9 }, () => 'lost request' as const));
    const refusal = refusalOf(client.record({ account: 'a' }));
    await vi.runAllTimersAsync();
    expect(await refusal).toMatchObject({
      name: 'RequestError',
      code: 'unreachable',
      status: 0,
      problem: null,
    });
    expect(requests).toHaveLength(3);
    await client.flush();
  });

  test('a bad increment is refused with its problem, and the others of the request are counted', async () => {
    const { client, usage } = await connected();
    const good = client.record({ account: 'a', quantity: 2 });
    const bad = refusalOf(client.record({ account: 'a', quantity: -1 }));
    expect(await bad).toMatchObject({
      code: 'invalid_quantity',
      status: 400,
      problem: { field: 'quantity', title: expect.any(String), remedy: expect.any(String) },
    });
    expect(await good).toEqual({ recorded: true, duplicate: false });
    expect((await usage.get({ account: 'a' })).quantity).toBe(2);
  });

  test('a key of the caller that was counted before is a duplicate', async () => {
    const { client } = await connected();
    await client.record({ account: 'a', idempotency_key: 'k' });
    expect(await client.record({ account: 'a', idempotency_key: 'k' })).toEqual({
      recorded: false,
      duplicate: true,
    });
    const other = client.record({ account: 'a', idempotency_key: 'k', quantity: 9 });
    expect((await refusalOf(other)).code).toBe('idempotency_conflict');
  });

  test('the queue is bounded: what is too much is refused as overloaded', async () => {
    const { client, usage } = await connected();
    const calls = Array.from({ length: MAX_WAITING_CALLS }, () => client.record({ account: 'a' }));
    const refused = await refusalOf(client.record({ account: 'a' }));
    expect(refused).toMatchObject({ code: 'overloaded', is_temporary: true });
    await Promise.all(calls);
    expect((await usage.get({ account: 'a' })).quantity).toBe(MAX_WAITING_CALLS);
  });

  test('what cannot be written as JSON is refused, and nothing waits for it', async () => {
    const { client, requests } = await connected();
    const cycle: Record<string, unknown> = {};
    cycle['itself'] = cycle;
    for (const bad of [{ quantity: 1n }, { properties: cycle }]) {
      const refusal = await refusalOf(client.record({ account: 'a', ...(bad as object) }));
      expect(refusal).toMatchObject({ name: 'RequestError', code: 'invalid_parameter', is_temporary: false });
    }
    await client.close();
    expect(requests).toEqual([]);
  });

  test.for([
    () => Response.json({}),
    () => Response.json(null),
    () => Response.json([]),
    () => Response.json('ok'),
    () => new Response(null, { status: 204 }),
    () => Response.json({ results: [] }),
    () => Response.json({ results: [{}] }),
    () => Response.json({ results: [null] }),
    () => Response.json({ results: [{ error: {} }] }),
    () => Response.json({ results: [{ recorded: true, duplicate: false }, {}] }),
  ])('an answer that does not say what became of it is no answer (%#)', async (answer) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { client, requests, setWeather, usage } = await connected();
    setWeather(answer(), 'fine');
    const call = patiently(client.record({ account: 'a', quantity: 4 }));
    expect(await call).toEqual({ recorded: true, duplicate: false });
    expect(requests).toHaveLength(2);
    expect((await usage.get({ account: 'a' })).quantity).toBe(4);
    setWeather(...Array.from({ length: 6 }, answer));
    const refusal = refusalOf(client.record({ account: 'a' }));
    await vi.runAllTimersAsync();
    expect(await refusal).toMatchObject({ name: 'RequestError', code: 'unexpected_answer' });
  });

  test('what the caller changes after the call is not sent, neither at first nor with a repetition', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { client, requests, bodyOf, setWeather } = await connected();
    setWeather('lost answer', 'fine');
    const properties = { model: 'small' };
    const call = client.record({ account: 'a', idempotency_key: 'k', properties });
    properties.model = 'large';
    await vi.waitFor(() => expect(requests).toHaveLength(1));
    properties.model = 'huge';
    await patiently(call);
    for (const attempt of [0, 1]) {
      expect((await bodyOf(attempt)).increments[0].properties).toEqual({ model: 'small' });
    }
  });

  test('flush resolves when nothing waits', async () => {
    const { client, usage } = await connected();
    void client.record({ account: 'a' });
    void client.record({ account: 'a', idempotency_key: 'x' });
    await client.flush();
    expect((await usage.get({ account: 'a' })).quantity).toBe(2);
    await client.close();
  });
});

/** A page, as far as the client looks at one. */
function openPage() {
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  const window = new EventTarget();
  vi.stubGlobal('document', page);
  vi.stubGlobal('addEventListener', window.addEventListener.bind(window));
  vi.stubGlobal('removeEventListener', window.removeEventListener.bind(window));
  return {
    hide() {
      page.visibilityState = 'hidden';
      page.dispatchEvent(new Event('visibilitychange'));
    },
    leave: () => window.dispatchEvent(new Event('pagehide')),
  };
}

describe('a page that goes away', () => {
  /** A browser token writes nothing: the app's own server is between, and knows who it is. */
  async function inBrowser() {
    const served = createServed();
    const key = await served.createKey(['write'], 'a');
    const sent: RequestInit[] = [];
    const slow = Promise.withResolvers<void>();
    const client = createClient({
      base_url: '/own-server',
      async fetch(url, init) {
        sent.push(init);
        const headers = { ...init.headers, Authorization: `Bearer ${key}` };
        const path = url.replace('/own-server', '');
        const answer = await served.usage.handler(
          new Request(`http://localhost${path}`, { ...init, headers }),
        );
        // What is sent last need not be waited for; the rest is slow here.
        if (!init.keepalive) await slow.promise;
        return answer;
      },
    });
    return { ...served, client, sent, answer: slow.resolve };
  }

  test('sends what waits, and what is under way once more, and all of it counts once', async () => {
    const page = openPage();
    const { client, sent, usage, answer } = await inBrowser();
    const first = client.record({ quantity: 2 });
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    const second = client.record({ quantity: 3 });
    page.hide();
    expect(sent.map(({ keepalive }) => keepalive ?? false)).toEqual([false, true]);
    await vi.waitFor(async () => expect((await usage.get({ account: 'a' })).quantity).toBe(5));
    // The page has come back: what it records now is not what was sent.
    const third = client.record({ quantity: 4 });
    answer();
    const counted = { recorded: true, duplicate: false };
    expect(await Promise.all([first, second, third])).toEqual([counted, counted, counted]);
    expect((await usage.get({ account: 'a' })).quantity).toBe(9);
  });

  test('what overtakes the first attempt is not told as a duplicate', async () => {
    const page = openPage();
    const served = createServed();
    const key = await served.createKey(['write'], 'a');
    const overtaken = Promise.withResolvers<void>();
    const client = createClient({
      base_url: 'http://usage.test',
      async fetch(url, init) {
        if (!init.keepalive) await overtaken.promise;
        const headers = { ...init.headers, Authorization: `Bearer ${key}` };
        const answer = await served.usage.handler(new Request(url, { ...init, headers }));
        if (init.keepalive) overtaken.resolve();
        return answer;
      },
    });
    const call = client.record({ quantity: 2 });
    await nextTurn();
    page.hide();
    expect(await call).toEqual({ recorded: true, duplicate: false });
    expect((await served.usage.get({ account: 'a' })).quantity).toBe(2);
  });

  test('before the first token there is, waits for it', async () => {
    const page = openPage();
    const token = Promise.withResolvers<string>();
    const sent: RequestInit[] = [];
    const client = createClient({
      base_url: '/own-server',
      getToken: () => token.promise,
      async fetch(_, init) {
        sent.push(init);
        return Response.json({ results: [{ recorded: true, duplicate: false }] });
      },
    });
    const call = client.record({ quantity: 2 });
    await nextTurn();
    page.hide();
    token.resolve('t');
    await call;
    await vi.waitFor(() =>
      expect(sent.map(({ keepalive }) => keepalive ?? false).toSorted()).toEqual([false, true]),
    );
    for (const { headers } of sent) expect(headers).toMatchObject({ Authorization: 'Bearer t' });
  });

  test('sends no more than a browser takes, and nothing when nothing waits', async () => {
    const page = openPage();
    const { client, sent, answer } = await inBrowser();
    page.leave();
    expect(sent).toEqual([]);
    const properties = { text: 'x'.repeat(1_000) };
    const calls = Array.from({ length: 100 }, () => client.record({ properties }));
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    page.leave();
    expect(sent).toHaveLength(2);
    expect(String(sent[1]?.body).length).toBeLessThan(16 * 1_024);
    answer();
    await Promise.all(calls);
    await client.close();
    page.leave();
    expect(sent).toHaveLength(2);
  });

  test('a key is refused there', () => {
    openPage();
    expect(() => createClient({ base_url: '/billing', api_key: 'tbk_1' })).toThrow(
      /^api_key: Everybody can read/,
    );
  });
});

describe('reading', () => {
  test('usage, windows, cost and plans come typed', async () => {
    const { client, usage } = await connected();
    await usage.accounts.set({ account: 'a', plan: 'pro' });
    await usage.increment({ account: 'a', quantity: 1_200 });
    expect(await client.get({ account: 'a' })).toMatchObject({ quantity: 1_200 });
    const { cost, price } = await client.cost({ account: 'a' });
    expect([cost?.amount, price?.tiers?.length]).toEqual([1_800, 2]);
    const { windows } = await client.windows({
      account: 'a',
      window: 'day',
      time_zone: 'Europe/Berlin',
      period_start: '2026-01-10',
      period_end: '2026-01-12',
    });
    expect(windows.map(({ quantity }) => quantity)).toEqual([1_200, 0, 0]);
    const { plans } = await client.plans.list();
    expect(plans.map(({ plan }) => plan)).toEqual(['free', 'pro']);
    expect(await client.accounts.get({ account: 'a' })).toMatchObject({ plan: 'pro' });
    expect(await client.reports.list({ account: 'a', status: ['open', 'closed'] })).toMatchObject({
      next: null,
    });
  });

  test('is repeated when there is no answer, and ends with the signal of the caller', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { client, requests, setWeather, usage } = await connected();
    await usage.increment({ account: 'a' });
    setWeather('lost answer', 'fine');
    const call = client.cost({ account: 'a' });
    await vi.runAllTimersAsync();
    expect(await call).toMatchObject({ quantity: 1 });
    expect(requests).toHaveLength(2);
    setWeather('lost request');
    const controller = new AbortController();
    const aborted = client.cost({ account: 'a' }, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
  });

  test('may be tried less often than what is recorded', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { client, requests, setWeather } = await connected({ max_read_attempts: 1 });
    setWeather('lost request', 'lost request', 'fine');
    expect(await refusalOf(client.cost({ account: 'a' }))).toMatchObject({ code: 'unreachable' });
    expect(requests).toHaveLength(1);
    await patiently(client.record({ account: 'a' }));
    expect(requests).toHaveLength(3);
  });

  test('what was refused is told as it was told by the server, once', async () => {
    const { client, requests } = await connected();
    const refusal = await refusalOf(client.get({ account: 'nobody' }));
    expect(refusal).toMatchObject({
      code: 'account_not_found',
      status: 404,
      problem: { code: 'account_not_found', request_id: expect.any(String) },
    });
    expect(requests).toHaveLength(1);
  });

  test('an answer that is not the API’s is never taken for one', async () => {
    const { client, setWeather } = await connected({ max_attempts: 1 });
    for (const answer of [
      new Response('<html>', { status: 200 }),
      problem(404),
      Response.json('no', { status: 400 }),
    ]) {
      setWeather(answer);
      expect((await refusalOf(client.cost({ account: 'a' }))).code).toBe('unexpected_answer');
    }
  });
});

test('seats, limits and changes of plans are the server’s, told in its words', async () => {
  const { client, usage } = await connected({}, ['admin', 'read']);
  await usage.accounts.set({ account: 'a', plan: 'free' });
  await usage.increment({ account: 'a', quantity: 90 });
  expect(await client.limits.check({ account: 'a', quantity: 11 })).toMatchObject({
    account: 'a',
    meter: 'credits',
  });
  expect(await refusalOf(client.plans.preview({ account: 'a', plan: 'nope' }))).toMatchObject({
    code: 'invalid_plan',
  });
  expect((await refusalOf(client.plans.change({ account: 'a', plan: 'pro' }))).problem?.remedy).toEqual(
    expect.any(String),
  );
  expect((await refusalOf(client.seats.set({ account: 'a', seats: 3 }))).status).toBeGreaterThanOrEqual(400);
});

describe('who it is', () => {
  test('getToken is asked once for calls made together, and again when the server refuses the token', async () => {
    let asked = 0;
    const given: string[] = [];
    const world = await connected({
      getToken: async () => {
        asked += 1;
        return given[asked - 1] ?? '';
      },
    });
    await world.usage.increment({ account: 'a', quantity: 2 });
    const create = async () => (await world.usage.tokens.create({ account: 'a' })).token;
    given.push(await create());
    const { client } = world;
    await Promise.all([client.cost(), client.get()]);
    expect(asked).toBe(1);
    world.clock.advance(16 * 60_000);
    given.push(await create());
    expect(await client.cost()).toMatchObject({ account: 'a', quantity: 2 });
    expect(asked).toBe(2);
  });

  test('getToken may take as long as a request, is asked anew after that, and ends with the signal of the caller', async () => {
    let asked = 0;
    const hanging = new Promise<string>(() => {});
    const answers = [hanging, 'lost', hanging, hanging];
    const { client, requests } = await connected({
      getToken: () => answers[asked++] ?? '',
      timeout_ms: 100,
      max_attempts: 1,
    });
    expect(await refusalOf(client.cost())).toMatchObject({ code: 'unreachable', is_temporary: true });
    expect((await refusalOf(client.cost())).code).toBe('unreachable');
    expect([asked, requests.length]).toEqual([3, 1]);
    const controller = new AbortController();
    const call = client.cost({}, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
  });

  test('a token reads its own account and counts nothing', async () => {
    const { usage, client: operator } = await connected();
    await operator.record({ account: 'a' });
    await operator.record({ account: 'b' });
    const { token } = await usage.tokens.create({ account: 'a' });
    const client = createClient({
      base_url: 'http://usage.test',
      token,
      fetch: (url, init) => usage.handler(new Request(url, init)),
    });
    expect(await client.get()).toMatchObject({ account: 'a', quantity: 1 });
    expect((await refusalOf(client.get({ account: 'b' }))).status).toBe(404);
    expect((await refusalOf(client.record({ account: 'a' }))).code).toBe('forbidden');
  });

  test('what is missing or double is said when the client is made', () => {
    const make = (options: object) => () => createClient({ base_url: '/billing', ...options });
    expect(make({ base_url: '' })).toThrow(/^base_url/);
    expect(make({ token: '' })).toThrow(/^token: It is there and empty/);
    expect(make({ token: 'a', api_key: 'b' })).toThrow(/Pass one of them/);
    expect(make({ max_attempts: 0 })).toThrow(/^max_attempts/);
    expect(make({ max_read_attempts: 0 })).toThrow(/^max_read_attempts/);
    expect(make({ timeout_ms: Number.NaN })).toThrow(/^timeout_ms/);
  });
});
