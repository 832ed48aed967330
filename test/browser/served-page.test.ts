import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startNodeServer } from '../../src/http/node-server.ts';
import { createServed } from '../http/served.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { accessibilityFaults, openPage, screenshot } from '../support/browser/open-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

const MINUTE_MS = 60_000;
/** A browser says so itself when a request is refused. */
const REFUSED = /status of 40[14]/;
const UNITS = { credits: { title: 'Credits', one: 'credit', other: 'credits' } };

/** `tallybook serve` with the usage page, and an account that has used something. */
async function servePage() {
  const usage_page = { account_url: 'https://app.example.com/account', units: UNITS };
  // The clock stands still: every request would be of the same second.
  const rate_limits = { per_key: false, per_ip: false, stripe: false } as const;
  const { usage, clock } = createServed({ http: { usage_page, rate_limits } });
  await usage.accounts.set({ account: 'a', plan: 'pro' });
  await usage.increment({ account: 'a', quantity: 1_200 });
  const server = await startNodeServer({ handler: usage.handler, host: '127.0.0.1', port: 0 });
  onTestFinished(() => server.stop());
  const url = `http://127.0.0.1:${server.address.port}/usage`;
  /** Where an app sends a customer. */
  async function addressFor(account: string, query = ''): Promise<string> {
    const { token } = await usage.tokens.create({ account });
    return `${url}${query}#token=${token}`;
  }
  return { usage, clock, url, addressFor };
}

test('opens with the token of the address, takes it out at once, and stays open when it is loaded again', async () => {
  const { usage, url, addressFor } = await servePage();
  const page = await openPage(browser, await addressFor('a', '?locale=en'));
  const figure = page.locator('.tallybook-meter strong');
  await figure.filter({ hasText: '1,200' }).waitFor();
  expect(page.url()).toBe(`${url}?locale=en`);
  expect(await page.title()).toBe('Usage and billing');
  expect(await page.getByRole('region', { name: 'Cost so far' }).textContent()).toContain('$18.00');
  expect(await page.getByRole('region', { name: 'Invoices' }).textContent()).toContain('no invoices yet');
  await page.reload();
  await figure.filter({ hasText: '1,200' }).waitFor();
  await usage.increment({ account: 'a', quantity: 34 });
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await figure.filter({ hasText: '1,234' }).waitFor();
});

test('a token that is none, or is refused, does not take the place of a good one', async () => {
  const { url, addressFor } = await servePage();
  const page = await openPage(browser, await addressFor('a', '?locale=en'), {}, REFUSED);
  const figure = page.locator('.tallybook-meter strong', { hasText: '1,200' });
  await figure.waitFor();
  await page.goto(`${url}?locale=en#token=garbage`);
  await figure.waitFor();
  expect(page.url()).not.toContain('garbage');
  // As one that was cut off where it was copied.
  const cut = (await addressFor('a', '?locale=en')).slice(0, -9);
  await page.goto('about:blank');
  await page.goto(cut);
  await page.getByRole('heading', { name: 'Please sign in again' }).waitFor();
  await page.reload();
  await figure.waitFor();
});

test('is the whole page in each language, theme and width', async () => {
  const { addressFor } = await servePage();
  const variants = [
    ['en', 'light', 1_280],
    ['en', 'dark', 1_280],
    ['de', 'light', 360],
    ['ja', 'dark', 360],
    ['ar', 'light', 820],
  ] as const;
  const page = await openPage(browser, await addressFor('a', '?locale=fr'));
  for (const [locale, colorScheme, width] of variants) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    await page.goto(await addressFor('a', `?locale=${locale}`));
    await page.locator('.tallybook-table').first().waitFor();
    await page.waitForFunction(() => document.querySelector('.tallybook-skeleton') === null);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    expect(await page.evaluate(() => document.documentElement.dir)).toBe(locale === 'ar' ? 'rtl' : 'ltr');
    expect(await accessibilityFaults(page)).toEqual([]);
    await screenshot(page, `served-${locale}-${colorScheme}-${width}`);
  }
});

test('says kindly that the token has ended, or that there is none, and where to get in again', async () => {
  const { clock, url, addressFor } = await servePage();
  const page = await openPage(browser, await addressFor('a', '?locale=de'), {}, REFUSED);
  await page.locator('.tallybook-meter strong').waitFor();
  clock.moveTo(clock.now() + 16 * MINUTE_MS);
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await page.getByRole('heading', { name: 'Bitte noch einmal anmelden' }).waitFor();
  const link = page.getByRole('link', { name: 'Zurück zu meinem Konto' });
  expect(await link.getAttribute('href')).toBe('https://app.example.com/account');
  expect(await page.locator('.tallybook').count()).toBe(0);
  expect(await accessibilityFaults(page)).toEqual([]);
  await screenshot(page, 'served-ended');
  await page.goto(await addressFor('a', '?locale=de'));
  await page.locator('.tallybook-meter strong').waitFor();

  for (const fragment of ['', '#token=']) {
    const stranger = await openPage(browser, `${url}?locale=en${fragment}`);
    await stranger.getByRole('main').getByRole('heading', { name: 'Please sign in again' }).waitFor();
    expect(stranger.url()).toBe(`${url}?locale=en`);
  }
});

test('an account of which nothing was counted yet, and a server that has stopped, are said', async () => {
  const { addressFor } = await servePage();
  const fresh = await openPage(browser, await addressFor('fresh', '?locale=en'), {}, REFUSED);
  await fresh.getByText('Nothing has been counted yet.').waitFor();
  await fresh.getByRole('region', { name: 'Plans' }).getByText('Pro').waitFor();
  expect(await accessibilityFaults(fresh)).toEqual([]);
  await screenshot(fresh, 'served-new-account');

  const page = await openPage(browser, await addressFor('a', '?locale=en'), {}, /Failed to load resource/);
  await page.locator('.tallybook-meter strong').waitFor();
  await page.route('**/v1/**', (route) => route.abort());
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await page.locator('.tallybook-stale').first().waitFor();
  await screenshot(page, 'served-stale');
});
