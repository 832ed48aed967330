import { beforeAll, describe, expect, test } from 'vitest';
import { createBilled } from './billed.ts';
import { APP, type DocumentedOperation, readRoutes, sampleOf } from './operations.ts';
import { createServed } from './served.ts';

const OWN = 'own';
const FOREIGN = 'foreign';
const UNKNOWN = 'nobody';

/** Every route of the document, whatever there is: a new one is tested here without being named. */
const operations = await readRoutes();
const guarded = operations.flatMap((operation) =>
  operation.access ? [{ ...operation, access: operation.access }] : [],
);
const open = operations.filter(({ access }) => access === undefined);

async function createRoles() {
  const served = await createBilled({ rate_limits: { per_key: false }, allowed_origins: [APP] });
  for (const account of [OWN, FOREIGN]) {
    await served.subscribe(account);
    await served.usage.increment({ account, quantity: 7 });
  }
  const { token } = await served.usage.tokens.create({ account: OWN });
  return {
    ...served,
    keys: {
      read: await served.createKey(['read']),
      write: await served.createKey(['write']),
      'read and write': await served.createKey(['read', 'write']),
      admin: await served.createKey(['admin']),
    },
    restricted: await served.createKey(['admin'], OWN),
    token,
    stateOf: async () =>
      JSON.stringify(
        await Promise.all([
          served.usage.get({ account: FOREIGN }),
          served.usage.accounts.get({ account: FOREIGN }),
          served.usage.reports.list({ account: FOREIGN }),
          served.usage.subscriptions.lastChange({ account: FOREIGN }),
          served.atStripe(FOREIGN),
        ]),
      ),
  };
}

test('the document names every route that is known here, and each has its test', () => {
  expect(guarded.length).toBeGreaterThanOrEqual(37);
  expect(open.map(({ path }) => path).sort()).toEqual(['/healthz', '/readyz', '/v1/webhooks/stripe']);
});

describe.each(guarded.map((operation) => [`${operation.method} ${operation.path}`, operation] as const))(
  '%s',
  (_, operation) => {
    let roles: Awaited<ReturnType<typeof createRoles>>;
    // One installation for each test: what one of them does must not help another.
    const prepare = async () => {
      roles = await createRoles();
    };
    const send = (key: string | undefined, account: string | null) => {
      const { path, method, body } = sampleOf(operation, account);
      return roles.send(method, path, {
        ...(key === undefined ? {} : { key }),
        ...(body === undefined ? {} : { body }),
      });
    };

    test('is for nobody without a key, with half of one or with another’s', async () => {
      await prepare();
      const wrong = [
        undefined,
        'tbk_x',
        roles.keys.admin.slice(0, -1),
        `${roles.keys.admin.slice(0, -1)}!`,
        'Basic YTpi',
      ];
      for (const key of wrong) {
        const answer = await send(key, OWN);
        expect([answer.status, answer.json.code]).toEqual([401, 'unauthenticated']);
        expect(answer.headers.get('www-authenticate')).toContain('Bearer');
      }
    });

    test('is for the scope that it names, for admin, and for no other', async () => {
      await prepare();
      for (const [scopes, key] of Object.entries(roles.keys)) {
        const may = scopes === 'admin' || scopes.includes(operation.access.scope);
        const answer = await send(key, OWN);
        if (may) expect(answer.status, `${scopes}: ${answer.text}`).not.toBe(403);
        else expect([answer.status, answer.json.code]).toEqual([403, 'forbidden']);
      }
    });

    test('is for browser tokens only where it says so, and then of their own account', async () => {
      await prepare();
      const answer = await send(roles.token, OWN);
      if (operation.access.browser_token)
        expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
      else expect([answer.status, answer.json.code]).toEqual([403, 'forbidden']);
      if (!isAboutOne(operation)) return;
      const foreign = await send(roles.token, FOREIGN);
      expect(foreign.status).toBe(operation.access.browser_token ? 404 : 403);
      expect(foreign.text).not.toContain('"quantity"');
    });

    test('tells who is restricted to an account nothing of another, and changes nothing there', async () => {
      await prepare();
      const before = await roles.stateOf();
      const foreign = await send(roles.restricted, FOREIGN);
      const unknown = await send(roles.restricted, UNKNOWN);
      const { account } = operation.access;
      if (account === 'all') expect([foreign.status, foreign.json.code]).toEqual([403, 'forbidden']);
      else if (account === 'each') expect(errorsOf(foreign)).toContain('account_not_found');
      else if (account !== 'none')
        expect([foreign.status, foreign.json.code]).toEqual([404, 'account_not_found']);
      if (account !== 'none') {
        // Not even whether the account is there.
        expect(withoutNames(foreign)).toEqual(withoutNames(unknown));
      }
      expect(await roles.stateOf()).toBe(before);
    });

    test('works for who is restricted to its account, who need not name it', async () => {
      await prepare();
      if (operation.access.account === 'all')
        return expect((await send(roles.restricted, null)).status).toBe(403);
      const named = await send(roles.restricted, OWN);
      roles = await createRoles();
      const unnamed = await send(roles.restricted, null);
      expect([401, 403]).not.toContain(named.status);
      expect(unnamed.status).toBe(named.status);
    });
  },
);

describe.each(open.map((operation) => [`${operation.method} ${operation.path}`, operation] as const))(
  '%s',
  (_, operation) => {
    test('needs no key', async () => {
      const served = createServed();
      const body = operation.body.size === 0 ? {} : { body: {} };
      expect([401, 403]).not.toContain((await served.send(operation.method, operation.path, body)).status);
    });
  },
);

function isAboutOne({ access }: DocumentedOperation): boolean {
  return access?.account === 'one' || access?.account === 'filter';
}

/** Codes of an answer as a whole, or of its items. */
function errorsOf({ json }: Awaited<ReturnType<ReturnType<typeof createServed>['send']>>): string[] {
  if (json?.code) return [json.code];
  return json.results.map((result: { readonly error?: { readonly code: string } }) => result.error?.code);
}

function withoutNames({ status, text }: { readonly status: number; readonly text: string }) {
  const same = text.replaceAll(FOREIGN, 'x').replaceAll(UNKNOWN, 'x');
  return [status, same.replaceAll(/"request_id":"[^"]*"/g, '')];
}

beforeAll(() => expect(guarded.every(({ access }) => access.scope)).toBe(true));
