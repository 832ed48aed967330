import { renderToString } from 'react-dom/server';
import { expect, test } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { CostSoFar, UsageMeter, UsageProvider, usePlans, useUsage } from '../../src/react/index.ts';
import { de } from '../../src/react/texts/index.ts';
import { createServed } from '../http/served.ts';

/** What a server of an app renders for one account, from its own `usage`. */
async function world(quantity: number) {
  const { usage } = createServed();
  await usage.accounts.set({ account: 'a', plan: 'pro' });
  await usage.increment({ account: 'a', quantity });
  const requests: string[] = [];
  const client = createClient({
    base_url: 'http://usage.test',
    async fetch(url) {
      requests.push(url);
      throw new TypeError('Nothing is asked while the server renders.');
    },
  });
  const cost = JSON.parse(JSON.stringify(await usage.cost({ account: 'a' })));
  return { client, cost, requests };
}

test('a server renders what it has read, asks nothing, and keeps nothing for the next page', async () => {
  const { client, cost, requests } = await world(1_200);
  const page = (initialData: typeof cost) =>
    renderToString(
      <UsageProvider client={client} locale="de" texts={de}>
        <UsageMeter initialData={initialData} />
        <CostSoFar initialData={initialData} />
      </UsageProvider>,
    );
  const html = page(cost);
  expect(html).toContain('1.200');
  expect(html).toContain('Bisherige Kosten');
  expect(html).toMatch(/18,00\s*\$/);
  expect(html).not.toMatch(/<style|style=/);
  expect(page(undefined)).not.toContain('1.200');
  expect(page(undefined)).toContain('Wird geladen');
  expect(requests).toEqual([]);
});

test('a hostile name is rendered as text', async () => {
  const { client, cost } = await world(5);
  const meter = '<img src=x onerror=alert(1)>';
  const html = renderToString(
    <UsageProvider client={client}>
      <UsageMeter initialData={{ ...cost, meter }} title={meter} />
    </UsageProvider>,
  );
  expect(html).not.toContain('<img');
  expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
});

test('a hook without a provider above it says so', () => {
  function Lost() {
    useUsage();
    usePlans();
    return null;
  }
  expect(() => renderToString(<Lost />)).toThrow('There is no <UsageProvider> above this component');
});
