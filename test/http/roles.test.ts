import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBilled } from './billed.ts';
import { APP, type DocumentedOperation, readRoutes, sampleOf } from './operations.ts';
import { createServed, type ServedOptions } from './served.ts';

const OWN = 'own';
const FOREIGN = 'foreign';
const UNKNOWN = 'nobody';

/** Every route of the document, whatever there is: a new one is tested here without being named. */
const operations = await readRoutes();
const guarded = operations.flatMap((operation) =>
  operation.access ? [{ ...operation, access: operation.access }] : [],
);
const open = operations.filter(({ access }) => access === undefined);

/** Routes that anybody with a key may ask, whatever account it is restricted to. */
const ABOUT_NOBODY = ['listPlans'];

async function createRoles(whenDone?: ServedOptions['whenDone']) {
  const rate_limits = { per_key: false, stripe: false } as const;
  const served = await createBilled({ rate_limits, allowed_origins: [APP] }, [0, 0], whenDone);
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

const DECLARED = { itself: ['one', 'filter'], each: ['each'], nowhere: ['none', 'all'] } as const;

test.each(guarded.map((operation) => [operation.operationId, operation] as const))(
  'what %s is declared to be about is what its schemas name',
  (operationId, { names_account, access }) => {
    expect(DECLARED[names_account ?? 'nowhere']).toContain(access.account);
    expect(access.account === 'none').toBe(ABOUT_NOBODY.includes(operationId));
  },
);

/** One installation for whatever changes nothing: what only reads, and what is refused. */
let shared: ReturnType<typeof createRoles> | null = null;
const ends: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const end of ends) await end();
});

function sharedRoles(): ReturnType<typeof createRoles> {
  shared ??= createRoles((end) => ends.push(end));
  return shared;
}

/** A request with a key or token of an installation, about an account or none. */
function sendAs(
  { send }: Awaited<ReturnType<typeof createRoles>>,
  operation: DocumentedOperation,
  key: string | undefined,
  account: string | null,
) {
  const { path, method, body } = sampleOf(operation, account);
  return send(method, path, {
    ...(key === undefined ? {} : { key }),
    ...(body === undefined ? {} : { body }),
  });
}

describe.each(guarded.map((operation) => [`${operation.method} ${operation.path}`, operation] as const))(
  '%s',
  (_, operation) => {
    // What one request changes must not help another.
    const rolesFor = () => (operation.method === 'GET' ? sharedRoles() : createRoles());

    test('is for nobody without a key, with half of one or with another’s', async () => {
      const roles = await sharedRoles();
      const wrong = [
        undefined,
        'tbk_x',
        roles.keys.admin.slice(0, -1),
        `${roles.keys.admin.slice(0, -1)}!`,
        'Basic YTpi',
      ];
      for (const key of wrong) {
        const answer = await sendAs(roles, operation, key, OWN);
        expect([answer.status, answer.json.code]).toEqual([401, 'unauthenticated']);
        expect(answer.headers.get('www-authenticate')).toContain('Bearer');
        // Nor is anybody told what a good key would need.
        expect(answer.text).not.toContain('scope');
      }
    });

    test('is for the scope that it names, for admin, and for no other', async () => {
      const roles = await rolesFor();
      for (const [scopes, key] of Object.entries(roles.keys)) {
        const may = scopes === 'admin' || scopes.includes(operation.access.scope);
        const answer = await sendAs(roles, operation, key, OWN);
        if (may) expect(answer.status, `${scopes}: ${answer.text}`).not.toBe(403);
        else {
          expect([answer.status, answer.json.code]).toEqual([403, 'forbidden']);
          expect(answer.json.detail).toContain(`\`${operation.access.scope}\``);
        }
      }
    });

    test('is for browser tokens only where it says so, and then of their own account', async () => {
      const roles = await rolesFor();
      const answer = await sendAs(roles, operation, roles.token, OWN);
      if (operation.access.browser_token)
        expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
      else expect([answer.status, answer.json.code]).toEqual([403, 'forbidden']);
      if (operation.names_account !== 'itself') return;
      const foreign = await sendAs(roles, operation, roles.token, FOREIGN);
      expect(foreign.status).toBe(operation.access.browser_token ? 404 : 403);
      expect(foreign.text).not.toContain('"quantity"');
    });

    test('tells who is restricted to an account nothing of another, and changes nothing there', async () => {
      const roles = await sharedRoles();
      const before = await roles.stateOf();
      const foreign = await sendAs(roles, operation, roles.restricted, FOREIGN);
      const unknown = await sendAs(roles, operation, roles.restricted, UNKNOWN);
      const { names_account, operationId } = operation;
      if (names_account === 'itself')
        expect([foreign.status, foreign.json.code]).toEqual([404, 'account_not_found']);
      else if (names_account === 'each') expect(errorsOf(foreign)).toContain('account_not_found');
      else if (!ABOUT_NOBODY.includes(operationId))
        expect([foreign.status, foreign.json.code]).toEqual([403, 'forbidden']);
      // Not even whether the account is there.
      expect(withoutNames(foreign)).toEqual(withoutNames(unknown));
      expect(await roles.stateOf()).toBe(before);
    });

    test('works for who is restricted to its account, who need not name it', async () => {
      const roles = await rolesFor();
      if (operation.names_account === null && !ABOUT_NOBODY.includes(operation.operationId))
        return expect((await sendAs(roles, operation, roles.restricted, null)).status).toBe(403);
      const named = await sendAs(roles, operation, roles.restricted, OWN);
      const others = await rolesFor();
      const unnamed = await sendAs(others, operation, others.restricted, null);
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
