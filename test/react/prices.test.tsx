import type { ReactNode } from 'react';
import { renderToString } from 'react-dom/server';
import { describe, expect, test } from 'vitest';
import { type CostResult, createClient, type Price, type PublicPlan } from '../../src/client/index.ts';
import { CostSoFar, PlanPicker, type UnitNames, UsageMeter, UsageProvider } from '../../src/react/index.ts';
import { ar, de, en, ja } from '../../src/react/texts/index.ts';

const LANGUAGES = { en, de, ja, ar } as const;

/** What is read on a page, without its marks and with plain spaces. */
function wordsOf(
  parts: ReactNode,
  units: Readonly<Record<string, UnitNames>> = {},
  locale: keyof typeof LANGUAGES = 'en',
): string {
  const client = createClient({ base_url: 'http://usage.test' });
  const html = renderToString(
    <UsageProvider client={client} locale={locale} texts={LANGUAGES[locale]} units={units}>
      {parts}
    </UsageProvider>,
  );
  return html
    .replaceAll(/<\/(li|p|tr|h3)>/g, '\n')
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/[\u00a0\u202f\u200f]/g, ' ');
}

const CREDITS = { credits: { title: 'Credits', one: 'credit', other: 'credits' } };
const tiers: NonNullable<Price['tiers']> = [
  { up_to: 1_000, unit_amount_decimal: '2' },
  { up_to: 'inf', unit_amount_decimal: '1.5' },
];
const metered = { currency: 'usd', interval: 'month', usage_type: 'metered', meter: 'api_calls' } as const;
const planOf = (...prices: PublicPlan['prices']): PublicPlan => ({
  plan: 'pro',
  name: 'Pro',
  prices,
  limits: {},
});
const pickerOf = (...prices: PublicPlan['prices']) => (
  <PlanPicker initialData={{ plans: [planOf(...prices)] }} />
);

const COST: CostResult = {
  account: 'a',
  meter: 'api_calls',
  plan: 'pro',
  period_start: '2026-10-01T00:00:00.000Z',
  period_end: '2026-11-01T00:00:00.000Z',
  quantity: 5,
  limit: null,
  cost: { currency: 'usd', amount: 10, amount_decimal: '10', lines: [] },
  price: { currency: 'usd', tiers_mode: 'volume', tiers },
  change: null,
};

describe('a meter without names of its units', () => {
  test('has a title like a plan, and prices that are still a sentence', () => {
    const words = wordsOf([
      <UsageMeter key="meter" initialData={COST} />,
      <CostSoFar key="cost" initialData={COST} />,
    ]);
    expect(words).toContain('Api calls\n5 api calls\n995 api calls until the next price');
    expect(words).toContain('From 1,001 api calls on, every one costs $0.015.');
    expect(words).toContain('$0.02 each');
    expect(words).not.toMatch(/(every|per|further) api calls/);
  });

  test('is named where a plan has several', () => {
    const words = wordsOf(
      pickerOf(
        { ...metered, unit_amount_decimal: '2' },
        { ...metered, meter: 'tokens', tiers_mode: 'graduated', tiers },
      ),
    );
    expect(words).toContain('Api calls: $0.02 each\nTokens: $0.02 each\nfrom 1,001 on: $0.015 each\n');
  });
});

describe('the prices of a plan', () => {
  test('by volume are of everything, graduated ones of what goes beyond', () => {
    const credits = { ...metered, meter: 'credits', tiers } as const;
    expect(wordsOf(pickerOf({ ...credits, tiers_mode: 'volume' }), CREDITS)).toContain(
      '$0.02 per credit\nall at $0.015 per credit from 1,001 on\n',
    );
    expect(wordsOf(pickerOf({ ...credits, tiers_mode: 'graduated' }), CREDITS)).toContain(
      '$0.02 per credit\nfrom 1,001 on: $0.015 per credit\n',
    );
  });

  test.for(['en', 'de', 'ja', 'ar'] as const)('are told apart in %s, with and without names', (locale) => {
    for (const units of [CREDITS, {}]) {
      const [volume, graduated] = (['volume', 'graduated'] as const).map((tiers_mode) =>
        wordsOf(pickerOf({ ...metered, meter: 'credits', tiers, tiers_mode }), units, locale),
      );
      expect(volume).not.toBe(graduated);
      expect(`${volume}${graduated}`).not.toMatch(/null|undefined/);
    }
  });

  test('of seats are shown with every tier', () => {
    const seats = { currency: 'usd', interval: 'month', usage_type: 'licensed', quantity: 'seats' } as const;
    const steps = [
      { up_to: 10, unit_amount_decimal: '1000' },
      { up_to: 'inf' as const, unit_amount_decimal: '800', flat_amount_decimal: '500' },
    ];
    expect(wordsOf(pickerOf({ ...seats, tiers_mode: 'volume', tiers: steps }))).toContain(
      '$10.00 per seat and month\nall at $8.00 per seat and month from 11 on, plus $5.00\n',
    );
    expect(wordsOf(pickerOf({ ...seats, tiers_mode: 'graduated', tiers: steps }))).toContain(
      '$10.00 per seat and month\nfrom 11 on: $8.00 per seat and month, plus $5.00\n',
    );
  });
});
