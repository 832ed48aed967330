import type { Browser, Page, Request } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { watchPage } from '../../support/browser/open-page.ts';

/** What the API of a scene answers. */
export interface Answer {
  readonly status?: number;
  readonly json: unknown;
}

export interface SceneParams {
  readonly name: string;
  /** What the browser loads. */
  readonly script: string;
  readonly answer: (request: Request) => Answer | Promise<Answer>;
  /** Complaints that the scene provokes. */
  readonly except?: RegExp;
}

const ORIGIN = 'http://app.test';
const HTML =
  '<!doctype html><html lang="en"><title>Scene</title><link rel="icon" href="data:,"><div id="root"></div>';

/** A small app on its own, whose API is the test's. At the end of the test it has not complained. */
export async function openScene(
  browser: Browser,
  { name, script, answer, except }: SceneParams,
): Promise<Page> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const complaints = watchPage(page, ORIGIN);
  onTestFinished(async () => {
    await context.close();
    expect(complaints.filter((complaint) => !except?.test(complaint))).toEqual([]);
  });
  await page.route(`${ORIGIN}/**`, async (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === '/browser.js') return await route.fulfill({ path: script });
    if (pathname.startsWith('/billing/')) return await route.fulfill(await answer(route.request()));
    return await route.fulfill({
      contentType: 'text/html',
      body: `${HTML}<script type="module" src="/browser.js"></script>`,
    });
  });
  await page.goto(`${ORIGIN}/${name}`);
  return page;
}
