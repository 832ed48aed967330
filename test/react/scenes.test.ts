import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CostResult } from '../../src/client/index.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { temporaryDirectory } from '../support/folders.ts';
import { openScene, type SceneParams } from './scenes/open-scene.ts';
import { buildScript } from './versions/build-page.ts';

const ENTRY = join(import.meta.dirname, 'scenes/browser.tsx');

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

const COST: CostResult = {
  account: 'acme',
  meter: 'credits',
  plan: 'pro',
  period_start: '2026-10-01T00:00:00.000Z',
  period_end: '2026-11-01T00:00:00.000Z',
  quantity: 5,
  limit: 100,
  cost: null,
  price: null,
};

describe.each([18, 19] as const)('React %i', (version) => {
  async function open(scene: Omit<SceneParams, 'script'>) {
    return await openScene(browser, {
      ...scene,
      script: await buildScript(version, ENTRY, temporaryDirectory()),
    });
  }

  test('another account shows nothing of the one before, and is asked for with its own token', async () => {
    const asked: string[] = [];
    const page = await open({
      name: 'account-switch',
      answer: (request) => {
        const token = request.headers()['authorization'] ?? '';
        asked.push(token);
        return { json: { ...COST, quantity: token === 'Bearer acme' ? 11 : 22 } };
      },
    });
    const quantity = page.locator('.tallybook-meter strong');
    await quantity.filter({ hasText: '11' }).waitFor();
    const before = asked.length;
    await page.getByRole('button', { name: 'Switch' }).click();
    expect(await quantity.filter({ hasText: '11' }).count()).toBe(0);
    await quantity.filter({ hasText: '22' }).waitFor();
    expect(new Set(asked.slice(before))).toEqual(new Set(['Bearer globex']));
  });

  test('what is recorded is repeated while the server has trouble', async () => {
    let attempts = 0;
    const page = await open({
      name: 'recording',
      answer: () => {
        attempts += 1;
        return attempts < 3
          ? { status: 503, json: {} }
          : { json: { results: [{ recorded: true, duplicate: false }] } };
      },
      except: /503/,
    });
    await page.getByRole('button', { name: 'Record' }).click();
    await page.getByText('Recorded.').waitFor();
    expect(attempts).toBe(3);
  });
});
