import { renderToString } from 'react-dom/server';
import { expect, test } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import {
  CostSoFar,
  InvoiceList,
  UsageMeter,
  UsageProvider,
  usePlans,
  useUsage,
} from '../../src/react/index.ts';
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

test('links to invoices are told apart by what their summaries say', async () => {
  const { client } = await world(5);
  const invoice = (name: string) => ({
    invoice: name,
    number: name,
    status: 'paid' as const,
    currency: 'usd',
    total: 10,
    created_at: '2026-02-01T00:00:00Z',
    finalized_at: '2026-02-01T01:00:00Z',
    hosted_invoice_url: `https://stripe.invalid/${name}`,
    lines: [],
  });
  const html = renderToString(
    <UsageProvider client={client}>
      <InvoiceList initialData={{ invoices: [invoice('in_2'), invoice('in_1')], next: null }} />
    </UsageProvider>,
  );
  const summaries = [...html.matchAll(/<summary id="([^"]+)"/g)].map(([, id]) => id);
  const descriptions = [...html.matchAll(/<a [^>]*aria-describedby="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(descriptions).size).toBe(2);
  expect(descriptions).toEqual(summaries);
  expect(html.match(/<details[^>]* open=""/g)).toHaveLength(1);
});

test('a hook without a provider above it says so', () => {
  function Lost() {
    useUsage();
    usePlans();
    return null;
  }
  expect(() => renderToString(<Lost />)).toThrow('There is no <UsageProvider> above this component');
});
