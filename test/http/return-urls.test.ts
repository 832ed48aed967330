import { describe, expect, test } from 'vitest';
import { createBilled } from './billed.ts';
import { APP } from './operations.ts';

const OTHER_PORT = 'http://localhost:5173';

const ELSEWHERE = [
  'https://evil.example/',
  `${APP}.evil.example/`,
  `${APP}@evil.example/`,
  `${APP}:x@evil.example/`,
  `${APP}:8443/`,
  `${APP}\\@evil.example/`,
  `${APP}%2f@evil.example/`,
  `//app.example.com/`,
  ` ${APP}/`,
  `\t${APP}/`,
  'http://app.example.com/',
  'https://APP.example.com/',
  'https://evil.example/?https://app.example.com/',
  'javascript:alert(1)//https://app.example.com/',
  `${OTHER_PORT}0/`,
];
const OWN_PAGES = [APP, `${APP}/`, `${APP}/a/b?c=d#e`, `${APP}?c=d`, `${APP}#e`, `${OTHER_PORT}/x`];
const FIELDS = ['return_url', 'success_url', 'cancel_url'] as const;

async function createScene(allowed_origins = [APP, OTHER_PORT]) {
  const billed = await createBilled({ allowed_origins });
  await billed.subscribe('acct_1');
  const restricted = await billed.createKey(['admin'], 'acct_1');
  const admin = await billed.createKey(['admin']);
  return {
    restricted,
    admin,
    portal: (key: string, return_url: string) =>
      billed.post('/v1/subscription/portal', key, { account: 'acct_1', return_url }),
    /** Of an account that subscribes to nothing yet. */
    async checkout(
      isRestricted: boolean,
      urls: { readonly success_url: string; readonly cancel_url: string },
    ) {
      const key = isRestricted ? await billed.createKey(['admin'], 'acct_2') : admin;
      return await billed.post('/v1/subscription/checkout', key, { account: 'acct_2', plan: 'pro', ...urls });
    },
    accounts: async () => (await billed.usage.accounts.list()).accounts.map(({ account }) => account),
  };
}

describe('a key that is restricted to an account sends customers to the app’s own pages only', () => {
  test.each(FIELDS)('%s', async (field) => {
    const { portal, checkout, restricted, accounts } = await createScene();
    for (const url of ELSEWHERE) {
      const { status, json } =
        field === 'return_url'
          ? await portal(restricted, url)
          : await checkout(true, { success_url: `${APP}/`, cancel_url: `${APP}/`, [field]: url });
      expect([url, status, json.code, json.field]).toEqual([url, 400, 'invalid_parameter', field]);
    }
    // Nobody was made a customer for it either.
    expect(await accounts()).toEqual(['acct_1']);
  });

  test('which it may: with any path, query and fragment', async () => {
    const { portal, checkout, restricted } = await createScene();
    for (const url of OWN_PAGES) expect([url, (await portal(restricted, url)).status]).toEqual([url, 200]);
    const success_url = `${APP}/done?session={CHECKOUT_SESSION_ID}`;
    const { status, json } = await checkout(true, { success_url, cancel_url: APP });
    expect([status, json.checkout_session]).toEqual([200, expect.stringMatching(/^cs_/)]);
  });

  test('and nowhere where no origin is allowed', async () => {
    const { portal, restricted } = await createScene([]);
    expect((await portal(restricted, APP)).json).toMatchObject({
      code: 'invalid_parameter',
      field: 'return_url',
    });
  });
});

test('a key for every account is the app itself, and names any page', async () => {
  const { portal, checkout, admin } = await createScene([]);
  expect((await portal(admin, 'https://shop.example/')).status).toBe(200);
  const urls = { success_url: 'https://shop.example/done', cancel_url: 'https://shop.example/' };
  expect((await checkout(false, urls)).status).toBe(200);
  expect((await portal(admin, 'javascript:alert(1)')).json).toMatchObject({ code: 'invalid_parameter' });
});
