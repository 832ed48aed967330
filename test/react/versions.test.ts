import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { toNodeHandler } from '../../src/http/node.ts';
import { createServed } from '../http/served.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { openPage, watchPage } from '../support/browser/open-page.ts';
import { temporaryDirectory } from '../support/folders.ts';
import { type BuiltPage, buildPage, type ReactVersion } from './versions/build-page.ts';
import type { PageData } from './versions/page.tsx';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

const POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'";

/** An app that renders its page on the server, and the API beside it. */
async function serveApp(version: ReactVersion) {
  // The clock stands still: every request would be of the same second.
  const rate_limits = { per_key: false, per_ip: false, stripe: false } as const;
  const { usage } = createServed({ http: { base_path: '/billing', rate_limits } });
  await usage.accounts.set({ account: 'a', plan: 'pro' });
  await usage.increment({ account: 'a', quantity: 1_200 });
  const built = await buildPage(version, temporaryDirectory());
  const { token } = await usage.tokens.create({ account: 'a' });
  // As it goes through JSON into the browser.
  const data: PageData = JSON.parse(
    JSON.stringify({
      token,
      locale: 'en-GB',
      usage: await usage.get({ account: 'a', meter: 'credits' }),
      cost: await usage.cost({ account: 'a' }),
      windows: await usage.windows({ account: 'a', window: 'day', time_zone: 'Asia/Tokyo' }),
      plans: { plans: usage.plans.list() },
      invoices: await usage.invoices.list({ account: 'a' }),
    }),
  );
  return { usage, data, built, url: await listen(built, data, toNodeHandler(usage.handler)) };
}

/** `?rendered=` is a page that the server has rendered from other figures than it gives the browser; `?locale=` one in another language. */
async function listen({ render, script }: BuiltPage, data: PageData, api: ReturnType<typeof toNodeHandler>) {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname.startsWith('/billing/')) return void api(request, response);
    if (pathname === '/browser.js') {
      return response.setHeader('Content-Type', 'text/javascript').end(readFileSync(script));
    }
    const quantity = Number(searchParams.get('rendered') ?? data.cost.quantity);
    const given = { ...data, locale: searchParams.get('locale') ?? data.locale };
    const html = render({ ...given, cost: { ...data.cost, quantity } });
    response
      .setHeader('Content-Security-Policy', POLICY)
      .setHeader('Content-Type', 'text/html; charset=utf-8')
      .end(
        `<!doctype html><html lang="en"><head><title>App</title><link rel="icon" href="data:,"></head>
      <body><div id="root">${html}</div>
      <script type="application/json" id="data">${JSON.stringify(given).replaceAll('<', '\\u003c')}</script>
      <script type="module" src="/browser.js"></script></body></html>`,
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const isAlive = (page: Page, version: ReactVersion) =>
  page.locator(`html[data-react^="${version}."]`).waitFor({ state: 'attached' });

describe.each([18, 19] as const)('React %i', (version) => {
  test('what the server renders comes alive in the browser without a complaint, and moves with the usage', async () => {
    const { usage, data, built, url } = await serveApp(version);
    const html = built.render(data);
    expect(html).toContain('1,200');
    expect(html).toMatch(/(\$|US\$)18\.00/);
    const page = await openPage(browser, url);
    await isAlive(page, version);
    await page.getByRole('button', { name: 'Hours' }).click();
    await page.locator('[aria-pressed=true]', { hasText: 'Hours' }).waitFor();
    await usage.increment({ account: 'a', quantity: 34 });
    await page.locator('#headless', { hasText: '1234' }).waitFor();
    await page.locator('.tallybook-meter strong', { hasText: '1,234' }).waitFor();
    await page.locator('.tallybook-cost strong', { hasText: '18.51' }).waitFor();
    expect(await page.locator('[aria-busy=true], .tallybook-stale, .tallybook-failed').count()).toBe(0);
  });

  test('a server that renders other figures than the browser has is noticed', async () => {
    const { url } = await serveApp(version);
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const complaints = watchPage(page, url);
    await page.goto(`${url}?rendered=7`);
    await isAlive(page, version);
    expect(complaints.join('\n')).toMatch(/hydrat|did not match/i);
  });
});

test('numbers, money and dates of a server are those of the browser, in every language', async () => {
  const { url } = await serveApp(19);
  const page = await openPage(browser, url);
  for (const locale of ['en-US', 'de', 'fr', 'ja', 'ar']) {
    await page.goto(`${url}?locale=${locale}`);
    await isAlive(page, 19);
    expect(await page.locator(`.tallybook-meter[lang=${locale}]`).count()).toBe(1);
  }
});
