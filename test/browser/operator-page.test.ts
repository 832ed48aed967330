import type { Browser } from 'playwright-core';
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

test('every figure of every period is in sight, on a desktop and on a phone', async () => {
  const dev = await startDev({ directory: temporaryDirectory() });
  await dev.post('/v1/usage', { account: 'acme', quantity: 505 });
  await dev.moveClock('period_end');
  await dev.post('/v1/usage', { account: 'acme', quantity: 123_456_789 });
  const page = await openPage(browser, `${dev.url}/operator`);
  const row = page.locator('tr', { hasText: 'ended' });
  for (const [width, height] of [
    [1_280, 800],
    [390, 844],
  ] as const) {
    await page.setViewportSize({ width, height });
    await row.getByText('$10.10 invoiced').waitFor();
    await page.getByText('123,456,789 × $0.015').waitFor();
    const widths = await page.evaluate(() =>
      [document.documentElement, ...document.querySelectorAll('.scroll')].map((box) => [
        box.scrollWidth,
        box.clientWidth,
      ]),
    );
    for (const [content, box] of widths) expect(content).toBe(box);
    expect(await accessibilityFaults(page)).toEqual([]);
    await screenshot(page, `operator-${width}`);
  }
});

test('what is counted, and what was in a file, is told and at once on the page', async () => {
  const dev = await startDev({ directory: temporaryDirectory() });
  const page = await openPage(browser, `${dev.url}/operator`, {}, /400/);
  const acme = page.getByRole('article').filter({ hasText: 'acme' });
  await page.getByRole('button', { name: 'Count 1,000 credits for acme' }).click();
  await acme.getByRole('cell', { name: '1,000', exact: true }).first().waitFor();

  const metering = page.getByRole('region', { name: 'Meter usage' });
  await metering.getByLabel('Idempotency key').fill('request-1');
  await metering.getByRole('button', { name: 'Count it' }).click();
  await metering.getByText('Counted.').waitFor();
  await acme.getByRole('cell', { name: '1,010', exact: true }).first().waitFor();
  await metering.getByRole('button', { name: 'Count it' }).click();
  await metering.getByText('Counted before with this key.').waitFor();
  await metering.getByLabel('Quantity').fill('9'.repeat(17));
  await metering.getByRole('button', { name: 'Count it' }).click();
  await metering.getByRole('alert').getByText('quantity').waitFor();

  const imports = page.getByRole('region', { name: 'Import a file' });
  const choose = (name: string, text: string) =>
    imports
      .getByLabel('Drop a CSV file here')
      .setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });
  await choose('usage.csv', 'account,quantity\nacme,5\nacme,many\n');
  await imports.getByText('2 rows: 1 recorded, 0 duplicate, 1 refused').waitFor();
  await imports.getByText('Line 3').waitFor();
  await acme.getByRole('cell', { name: '1,015', exact: true }).first().waitFor();
  await choose('recipe.csv', 'flour,eggs\n1,2\n');
  await imports.getByRole('alert').getByText('account').waitFor();
});

test('more accounts than one page has follow on the next', async () => {
  const dev = await startDev({ directory: temporaryDirectory() });
  for (let index = 10; index < 21; index += 1)
    await dev.post('/v1/usage', { account: `customer-${index}`, quantity: index });
  const page = await openPage(browser, `${dev.url}/operator`);
  await page.getByRole('button', { name: 'More accounts' }).click();
  await page.getByRole('heading', { name: 'customer-20' }).waitFor();
  await page.getByRole('button', { name: 'First accounts' }).click();
  await page.getByRole('heading', { name: 'acme' }).waitFor();
  expect(await page.getByRole('heading', { name: 'customer-20' }).count()).toBe(0);
});
