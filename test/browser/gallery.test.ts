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

const VARIANTS = [
  ['light', 'en', 1_300],
  ['dark', 'en', 1_300],
  ['light', 'ar', 1_300],
  ['light', 'de', 360],
] as const;

test.each(VARIANTS)(
  'every component in every state is accessible and within its frame: %s, %s, %i wide',
  async (colorScheme, locale, width) => {
    const dev = await startDev({ directory: temporaryDirectory() });
    const viewport = { width, height: 900 };
    const page = await openPage(browser, `${dev.url}/gallery?locale=${locale}`, { colorScheme, viewport });
    await page.locator('.tallybook-stale').nth(5).waitFor();
    expect(await page.getByRole('link', { name: 'Sample product' }).getAttribute('href')).toBe('/');
    const examples = page.locator('[data-example]');
    const names = await examples.evaluateAll((nodes) =>
      nodes.map((node) => node.getAttribute('data-example') ?? ''),
    );
    expect(names.length).toBeGreaterThan(50);
    expect(new Set(names).size).toBe(names.length);
    // Seats are there or not: there is nothing to say while it is not known.
    for (const [state, count] of [
      ['stale', 6],
      ['failed', 10],
      ['skeleton', 5],
    ] as const) {
      expect(await page.locator(`.tallybook-${state}`).count()).toBe(count);
    }
    // A page of yours has each component once, and so names each part once.
    expect(await accessibilityFaults(page, ['landmark-unique'])).toEqual([]);
    const beyond = await examples.evaluateAll((nodes) =>
      nodes
        .filter((node) => node.scrollWidth > node.clientWidth + 1)
        .map((node) => node.getAttribute('data-example')),
    );
    expect(beyond).toEqual([]);
    for (const section of await page.getByRole('region').all()) {
      const component = await section.getAttribute('data-component');
      if (component === null) continue;
      const name = `${component}-${colorScheme}-${locale}-${width}`;
      await screenshot(page, name, `[data-component="${component}"]`);
    }
  },
);

test('a change of the plan shows what it costs before it is done', async () => {
  const dev = await startDev({ directory: temporaryDirectory() });
  const page = await openPage(browser, `${dev.url}/gallery`);
  const picker = page.locator('[data-example="planpicker-choosing"]');
  await picker.getByRole('radio', { name: 'Team' }).check();
  await picker.getByText('Due now').waitFor();
  expect(await picker.textContent()).toContain('$60.30');
  await screenshot(page, 'planpicker-preview', '[data-example="planpicker-choosing"]');
  await picker.getByRole('button', { name: 'Change to Team' }).click();
  await picker.getByText('You are on Team now.').waitFor();

  const refused = page.locator('[data-example="planpicker-refused"]');
  await refused.getByRole('radio', { name: 'Pro' }).check();
  await refused.getByRole('button', { name: 'Change to Pro' }).click();
  await refused.getByText('A change of this account is under way.').waitFor();
});
