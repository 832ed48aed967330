import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDev } from '../cli/running-dev.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { accessibilityFaults, openPage, screenshot } from '../support/browser/open-page.ts';
import { temporaryDirectory } from '../support/folders.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

/** What a part of the page says. */
const partOf = (page: Page, title: string) => page.getByRole('region', { name: title, exact: true });
const meterOf = (page: Page) => page.locator('.tallybook-meter strong');

async function waitForText(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector, { hasText: text }).first().waitFor();
}

test('usage that another process counts moves the page, and the period’s end brings the invoice', async () => {
  const dev = await startDev({ directory: temporaryDirectory() });
  const page = await openPage(browser, dev.url);
  await waitForText(page, '.tallybook-meter', '1,000 credits until the next price');
  expect(await meterOf(page).textContent()).toBe('0');
  await dev.post('/v1/usage', { account: 'acme', quantity: 640 });
  await waitForText(page, '.tallybook-meter', '640');
  await waitForText(page, '.tallybook-meter', '360 credits until the next price');
  expect(await partOf(page, 'Cost so far').textContent()).toContain('$12.80');
  expect(await partOf(page, 'Cost so far').textContent()).toContain(
    'From 1,001 credits on, every credit costs $0.015.',
  );
  await screenshot(page, 'page-light');
  await page.getByRole('button', { name: /Render a film/ }).click();
  await waitForText(page, '.tallybook-meter', '1,040');
  expect(await partOf(page, 'Cost so far').textContent()).toContain('$15.60');
  expect(await partOf(page, 'Invoices').textContent()).toContain('There are no invoices yet.');

  await page.getByRole('button', { name: 'To the end of the period' }).click();
  await waitForText(page, '.tallybook-invoices', '$15.60');
  await waitForText(page, '.tallybook-invoices', 'Paid');
  await waitForText(page, '.tallybook-meter', '1,000 credits until the next price');
  expect(await meterOf(page).textContent()).toBe('0');
  await screenshot(page, 'page-after-the-period');

  // A newer invoice does not close the one that is being read.
  await dev.post('/v1/usage', { account: 'acme', quantity: 100 });
  await waitForText(page, '.tallybook-meter', '100');
  await page.getByRole('button', { name: 'To the end of the period' }).click();
  await page.locator('.tallybook-invoice').nth(1).waitFor();
  expect(await page.locator('.tallybook-invoice[open]').count()).toBe(2);
});

test('the line of code is the one that was just run', async () => {
  const dev = await startDev({ directory: temporaryDirectory() });
  const page = await openPage(browser, dev.url);
  const line = page.locator('.code code');
  await page.getByRole('button', { name: /Render a film/ }).click();
  await line.filter({ hasText: 'quantity: 400,' }).waitFor();
  expect(await line.textContent()).not.toContain('meter');
  await page.getByRole('button', { name: /Ask the assistant/ }).click();
  await line.filter({ hasText: 'quantity: 25_000,' }).waitFor();
  expect(await line.textContent()).toContain('meter: "tokens",');
});

/** The page of an account that has used something, on a server of its own. */
async function startWithUsage(account = 'globex', quantity = 12_345) {
  const dev = await startDev({ directory: temporaryDirectory() });
  await dev.post('/v1/usage', { account, quantity });
  const address = `${dev.url}/?account=${encodeURIComponent(account)}`;
  const open = async (query = '', options: BrowserContextOptions = {}) => {
    const page = await openPage(browser, address + query, options);
    await page.locator('.tallybook-meter strong').waitFor();
    return page;
  };
  return { dev, open };
}

test('speaks German, Japanese and Arabic as they are written', async () => {
  const { open } = await startWithUsage();
  const cases = [
    ['en', 'ltr', /^12,345$/, '$185.18', 'Cost so far', 'Nov'],
    ['de', 'ltr', /^12\.345$/, '185,18 $', 'Bisherige Kosten', 'ab 1.001'],
    ['ja', 'ltr', /^12,345$/, '$185.18', '現在までの料金', '1,001 以上'],
    [
      'ar',
      'rtl',
      /^(12,345|١٢٬٣٤٥)$/,
      new Intl.NumberFormat('ar').format(185.18),
      'التكلفة حتى الآن',
      'ابتداءً',
    ],
  ] as const;
  for (const [locale, dir, quantity, cost, title, tier] of cases) {
    const page = await open(`&locale=${locale}`);
    expect(await meterOf(page).textContent()).toMatch(quantity);
    const meter = page.locator('.tallybook-meter');
    expect([await meter.getAttribute('dir'), await meter.getAttribute('lang')]).toEqual([dir, locale]);
    await page.locator('.tallybook-cost strong').waitFor();
    const text = ((await page.locator('.tallybook-cost').textContent()) ?? '').replaceAll('\u00a0', ' ');
    for (const words of [cost, title, ...(locale === 'en' ? [] : [tier])]) expect(text).toContain(words);
    expect(await accessibilityFaults(page)).toEqual([]);
    await screenshot(page, `page-${locale}`);
  }
});

test('is light or dark as the system is, or as it is chosen', async () => {
  const { open } = await startWithUsage();
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await open('', { colorScheme });
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const own = await background();
    expect(await accessibilityFaults(page)).toEqual([]);
    await screenshot(page, `page-${colorScheme}-desktop`);
    await page.getByLabel('Theme').selectOption(colorScheme === 'light' ? 'dark' : 'light');
    expect(await background()).not.toBe(own);
    expect(await accessibilityFaults(page)).toEqual([]);
  }
});

test('a phone shows everything, and nothing beyond its edge', async () => {
  const { open } = await startWithUsage();
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await open('', { viewport: { width: 360, height: 740 }, colorScheme });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    expect(await accessibilityFaults(page)).toEqual([]);
    await screenshot(page, `page-phone-${colorScheme}`);
  }
});

test('on a large screen the page begins at the top, and cards are as tall as what is in them', async () => {
  const { open } = await startWithUsage('hobby', 10);
  const page = await open('', { viewport: { width: 1_920, height: 1_440 } });
  const boxOf = async (name: string) => (await partOf(page, name).boundingBox()) ?? { y: 0, height: 0 };
  await partOf(page, 'Invoices').getByText('There are no invoices yet.').waitFor();
  const product = await page.getByRole('heading', { name: 'Lumen Studio' }).boundingBox();
  const title = await page.getByRole('heading', { name: 'Usage and billing' }).boundingBox();
  expect(title?.y).toBe(product?.y);
  expect((await boxOf('Invoices')).height).toBeLessThan(160);
  await screenshot(page, 'page-large');
  const bar = page.locator('.top');
  const rowHeight = (await bar.boundingBox())?.height;
  await page.setViewportSize({ width: 1_280, height: 800 });
  expect((await bar.boundingBox())?.height).toBe(rowHeight);
});

test('the keyboard alone meters usage, reads the chart bar by bar and opens its table', async () => {
  const { open } = await startWithUsage('hobby', 10);
  const page = await open();
  const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
  const tabTo = async (text: string | RegExp) => {
    for (let tabs = 0; tabs < 40; tabs += 1) {
      await page.keyboard.press('Tab');
      if ((await focused()).match(text)) return;
    }
    throw new Error(`Nothing that says ${text} was reached.`);
  };
  await tabTo('Paint a series');
  await page.keyboard.press('Enter');
  await waitForText(page, '.tallybook-meter', '50');
  await tabTo(/^Hours/);
  await page.keyboard.press('Space');
  await page.locator('.tallybook-choice [aria-pressed=true]', { hasText: 'Hours' }).waitFor();
  const slider = page.getByRole('slider', { name: /^Usage/ });
  await slider.waitFor();
  await page.keyboard.press('Tab');
  const value = () => slider.getAttribute('aria-valuetext');
  expect(await slider.evaluate((node) => node === document.activeElement)).toBe(true);
  expect(await value()).toMatch(/: 50 credits$/);
  await page.keyboard.press('Home');
  expect(await value()).toMatch(/: \d+ credits$/);
  const first = await value();
  await page.keyboard.press('ArrowRight');
  expect(await value()).not.toBe(first);
  await page.keyboard.press('ArrowLeft');
  expect(await value()).toBe(first);
  await tabTo('Show as a table');
  await page.keyboard.press('Enter');
  expect(await page.getByRole('table', { name: 'Usage' }).textContent()).toContain('Total50');
  expect(await page.getByRole('button', { name: 'Hide the table' }).getAttribute('aria-expanded')).toBe(
    'true',
  );
});

test('a hostile name of an account is text', async () => {
  const account = '<img src=x onerror=alert(1)>"\';--{{7*7}}';
  const { dev, open } = await startWithUsage(account, 3);
  const page = await open();
  expect(await page.getByLabel('Account').inputValue()).toBe(account);
  expect(await page.locator('img').count()).toBe(0);
  await page.goto(`${dev.url}/operator`);
  await page.getByText(account).first().waitFor();
  expect(await page.locator('img').count()).toBe(0);
});

test('a page that is hidden asks nothing, and one that comes back asks at once', async () => {
  const { open } = await startWithUsage();
  const page = await open();
  const setVisibility = (state: 'hidden' | 'visible') =>
    page.evaluate((to) => {
      Object.defineProperty(document, 'visibilityState', { value: to, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, state);
  await setVisibility('hidden');
  await page.waitForLoadState('networkidle');
  let asked = 0;
  page.on('request', () => {
    asked += 1;
  });
  await page.waitForTimeout(1_500);
  expect(asked).toBe(0);
  const request = page.waitForRequest(/usage\/cost/);
  await setVisibility('visible');
  await request;
});

test('a change of the plan shows what it costs, waits until all usage is confirmed, and is then on the page', async () => {
  const { open } = await startWithUsage('acme', 640);
  const page = await open();
  const plans = partOf(page, 'Plans');
  await plans.getByRole('radio', { name: 'Scale' }).check();
  await plans.getByText('Due now').waitFor();
  expect(await plans.textContent()).toContain('640 credits × $0.02$12.80');
  expect(await accessibilityFaults(page)).toEqual([]);
  await screenshot(page, 'page-preview');
  await plans.getByRole('button', { name: 'Change to Scale' }).click();
  // Nobody pushes the clock: it is made while one watches.
  await page.locator('.tallybook-plan', { hasText: 'Current plan' }).getByText('Scale').waitFor();
  await waitForText(page, '.tallybook-invoices', '$12.80');
  await waitForText(page, '.tallybook-cost', '$0.01 per credit');
});

test('an account on the free plan subscribes, may change that, and subscribes again', async () => {
  const { open } = await startWithUsage('hobby', 77);
  const page = await open();
  const currentPlan = (name: string) =>
    page.locator('.tallybook-plan', { hasText: 'Current plan' }).getByText(name, { exact: true }).waitFor();
  await currentPlan('Free');
  await screenshot(page, 'page-free');
  // What is used in the second in which a subscription begins is billed, also just before.
  await page.waitForTimeout(1_000);
  const plans = partOf(page, 'Plans');
  await plans.getByRole('radio', { name: 'Scale' }).check();
  await plans.getByRole('button', { name: 'Subscribe to Scale' }).click();
  await currentPlan('Scale');
  await waitForText(page, '.tallybook-invoices', '$49.00');
  await page.getByRole('button', { name: /Paint a series/ }).click();
  await waitForText(page, '.tallybook-cost', '$0.40');
  await plans.getByRole('radio', { name: 'Free' }).check();
  await plans.getByRole('button', { name: 'Change to Free' }).click();
  await currentPlan('Free');
  await waitForText(page, '.tallybook-invoices', '$0.40');
  await plans.getByRole('radio', { name: 'Pro' }).check();
  await plans.getByRole('button', { name: 'Subscribe to Pro' }).click();
  await currentPlan('Pro');
  await waitForText(page, '.tallybook-meter', '1,000 credits until the next price');
});
