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
