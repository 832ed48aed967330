import { join } from 'node:path';
import type { Browser, Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ChangeResult, CostResult, Invoice, PlansResult } from '../../src/client/index.ts';
import { createServed } from '../http/served.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { temporaryDirectory } from '../support/folders.ts';
import { type Answer, openScene, type SceneParams } from './scenes/open-scene.ts';
import { buildScript } from './versions/build-page.ts';

const ENTRY = join(import.meta.dirname, 'scenes/browser.tsx');

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

const FEE = {
  currency: 'usd',
  usage_type: 'licensed',
  interval: 'month',
  quantity: 'one',
  unit_amount_decimal: '500',
} as const;

const PLANS: PlansResult = {
  plans: ['free', 'basic', 'pro', 'team'].map((plan) => ({
    plan,
    name: plan === 'pro' ? 'Pro' : plan,
    prices: plan === 'free' ? [] : [FEE],
    limits: {},
  })),
};

const CHANGE: ChangeResult = {
  account: 'acme',
  change: 1,
  kind: 'plan',
  status: 'pending',
  plan: 'pro',
  requested_at: '2026-10-01T00:00:00.000Z',
  changed_at: null,
  reason: null,
};

const INVOICE: Invoice = {
  invoice: 'in_1',
  number: 'A-1',
  status: 'paid',
  currency: 'usd',
  total: 1_000,
  created_at: '2026-10-01T00:00:00.000Z',
  finalized_at: '2026-10-01T01:00:00.000Z',
  hosted_invoice_url: null,
  lines: [],
};

const refusal = (code: string, status: number): Answer => ({
  status,
  json: {
    type: '/reference',
    title: code,
    status,
    detail: 'Refused.',
    code,
    remedy: 'For developers.',
    request_id: 'r',
  },
});

/** The API of a plan picker. */
function answersOf(paths: Readonly<Record<string, () => Answer>>) {
  return (request: Request): Answer => {
    const answer = paths[new URL(request.url()).pathname.replace('/billing/v1/', '')];
    return answer?.() ?? { json: null };
  };
}

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
  change: null,
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

  test('a change that is under way is shown in place of another, also after a reload', async () => {
    let change = CHANGE;
    const page = await open({
      name: 'choosing-a-plan',
      answer: answersOf({
        plans: () => ({ json: PLANS }),
        'subscription/change': () => ({ json: change }),
        'plans/preview': () => refusal('change_pending', 409),
      }),
      except: /409/,
    });
    await page.getByText('The change to Pro is under way').waitFor();
    expect(await page.getByRole('radio', { name: 'team' }).isDisabled()).toBe(true);
    change = { ...CHANGE, kind: 'seats' };
    await page.getByText('Another change is under way.').waitFor();
    change = { ...CHANGE, status: 'done' };
    await page.getByRole('radio', { name: 'team' }).check();
    await page.locator('.tallybook-preview', { hasText: 'Another change is under way.' }).waitFor();
    expect(await page.getByRole('button').count()).toBe(0);
  });

  test('what was chosen is not asked for again when its change is done', async () => {
    let change: ChangeResult | null = null;
    const page = await open({
      name: 'choosing-a-plan',
      answer: answersOf({
        plans: () => ({ json: PLANS }),
        'subscription/change': () => ({ json: change }),
        'plans/preview': () => ({ json: { now: { currency: 'usd', total: 0, lines: [] }, next: null } }),
      }),
    });
    await page.getByRole('radio', { name: 'Pro' }).check();
    await page.getByRole('button', { name: 'Change to Pro' }).click();
    await page.getByText('The change to Pro is under way').waitFor();
    change = CHANGE;
    await page.locator('fieldset:disabled').waitFor();
    change = { ...CHANGE, status: 'done' };
    await page.locator('fieldset:enabled').waitFor();
    expect(await page.locator('.tallybook-preview').count()).toBe(0);
  });

  test('who has no subscription is offered one, or told that there is none', async () => {
    const answer = answersOf({
      plans: () => ({ json: PLANS }),
      'plans/preview': () => refusal('subscription_not_found', 404),
    });
    const page = await open({ name: 'choosing-a-plan', answer, except: /404/ });
    await page.getByRole('radio', { name: 'Pro' }).check();
    await page.getByRole('button', { name: 'Subscribe to Pro' }).click();
    await page.locator('output', { hasText: 'pro' }).waitFor();
    const other = await open({ name: 'choosing-a-plan?elsewhere', answer, except: /404/ });
    await other.getByRole('radio', { name: 'Pro' }).check();
    await other.getByText('You have no subscription yet. Subscribe from your account.').waitFor();
    expect(await other.getByRole('button').count()).toBe(0);
  });

  test('who is on a plan without prices subscribes, and nobody asks what a change would cost', async () => {
    let previews = 0;
    const answer = answersOf({
      plans: () => ({ json: PLANS }),
      'plans/preview': () => {
        previews += 1;
        return refusal('subscription_not_found', 404);
      },
    });
    const page = await open({ name: 'choosing-a-plan?free', answer });
    await page.getByRole('radio', { name: 'Pro' }).check();
    await page.getByRole('button', { name: 'Subscribe to Pro' }).click();
    await page.locator('output', { hasText: 'pro' }).waitFor();
    await page.getByRole('radio', { name: 'team' }).check();
    await page.getByRole('button', { name: 'Subscribe to team' }).click();
    await page.locator('.tallybook-preview', { hasText: 'No seats are left.' }).waitFor();
    await page.getByRole('button', { name: 'Subscribe to team' }).waitFor();
    expect(previews).toBe(0);
  });

  test('the hours of a yearly period are those around the last usage', async () => {
    const { usage, createKey } = createServed();
    await usage.increment({ account: 'acme', quantity: 7, timestamp: '2026-01-05T10:30:00Z' });
    const key = await createKey(['read'], 'acme');
    const page = await open({
      name: 'chart',
      answer: async (request) => {
        const url = new URL(request.url().replace('/billing', ''));
        // As if the billing period were this year.
        if (!url.searchParams.has('period_start')) {
          url.searchParams.set('period_start', '2025-06-01T12:00:00Z');
          url.searchParams.set('period_end', '2026-06-01T12:00:00Z');
        }
        const response = await usage.handler(
          new Request(url, { headers: { Authorization: `Bearer ${key}` } }),
        );
        return { status: response.status, json: await response.json() };
      },
    });
    await page.getByRole('button', { name: 'Hours' }).click();
    await page.getByRole('slider', { name: /Usage/ }).focus();
    await page.keyboard.press('End');
    await page.locator('.tallybook-readout', { hasText: '10:00' }).waitFor();
    expect(await page.locator('.tallybook-readout strong').textContent()).toBe('7 credits');
    expect(await page.locator('.tallybook-column').count()).toBe(24);
  });

  test('more corrected than used is told as it is, and drawn as nothing', async () => {
    const page = await open({
      name: 'cards',
      answer: answersOf({
        'usage/cost': () => ({ json: { ...COST, quantity: -25 } }),
        invoices: () => ({ json: { invoices: [], next: null } }),
        plans: () => ({ json: PLANS }),
      }),
    });
    const meter = page.getByRole('meter');
    await meter.waitFor();
    expect(await meter.getAttribute('aria-valuenow')).toBe('0');
    expect(await meter.getAttribute('aria-valuetext')).toBe('-25 of 100 credits');
    expect(await page.locator('.tallybook-notes').first().textContent()).toContain('125 credits left');
  });

  test('lines and prices that are alike are all shown', async () => {
    const line = {
      description: 'Setup',
      amount: 500,
      meter: null,
      quantity: null,
      unit_amount_decimal: null,
    };
    const period = { period_start: COST.period_start, period_end: COST.period_end };
    const lines = [
      { ...line, ...period },
      { ...line, ...period },
    ];
    const page = await open({
      name: 'cards',
      answer: answersOf({
        'usage/cost': () => ({ json: COST }),
        invoices: () => ({ json: { invoices: [{ ...INVOICE, lines }], next: null } }),
        plans: () => ({ json: { plans: [{ plan: 'pro', name: 'Pro', limits: {}, prices: [FEE, FEE] }] } }),
        'plans/preview': () => ({ json: { now: { currency: 'usd', total: -1_000, lines }, next: null } }),
      }),
    });
    await page.getByRole('radio', { name: 'Pro' }).check();
    // What is less than nothing is not due.
    await page.getByText('Credit on your account$10.00').waitFor();
    await page.locator('.tallybook-preview li', { hasText: 'Setup' }).nth(1).waitFor();
    expect(await page.locator('.tallybook-invoice li').count()).toBe(2);
    expect(await page.locator('.tallybook-plan-prices li').count()).toBe(2);
  });

  test('a provider that has gone listens to the page no more', async () => {
    const page = await open({
      name: 'recording',
      answer: () => ({ json: { results: [{ recorded: true, duplicate: false }] } }),
    });
    for (let time = 0; time < 3; time += 1) {
      await page.getByRole('button', { name: 'Record' }).click();
      await page.getByText('Recorded.').waitFor();
      expect(await listenersOf(page)).toBe(1);
      await page.getByRole('button', { name: 'Leave' }).click();
      expect(await listenersOf(page)).toBe(0);
      await page.getByRole('button', { name: 'Come back' }).click();
    }
  });
});

/** How many wait for the page to go away, as the browser's own tools count them. */
async function listenersOf(page: Page): Promise<number> {
  const tools = await page.context().newCDPSession(page);
  const { result } = await tools.send('Runtime.evaluate', { expression: 'window' });
  const { listeners } = await tools.send('DOMDebugger.getEventListeners', {
    objectId: result.objectId ?? '',
  });
  await tools.detach();
  return listeners.filter(({ type }) => type === 'pagehide').length;
}
