import { defineConfig } from 'vitest/config';

/** Random schedules, processes that are killed, servers in trouble, and many accounts or periods: `npm run test:long`. */
export const LONG_TESTS = [
  'test/{simulation,model,processes}/**/*.test.ts',
  'test/postgres-*.test.ts',
  'test/{billing-boundaries,crash-points,midnight,poisoned-account}.test.ts',
  'test/http/serving.test.ts',
  'test/cli/{catalogue,dev-import,dev-refusals,reconcile}.test.ts',
];

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.{ts,tsx}'],
    // `npm run test:package` has the last.
    exclude: ['**/node_modules/**', ...LONG_TESTS, 'test/package/**'],
    globalSetup: [
      'test/support/compile-cache.ts',
      'test/support/stripe-contract/load-contract.ts',
      'test/support/postgres/global-setup.ts',
      'test/support/browser/global-setup.ts',
    ],
    maxWorkers: '100%',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    allowOnly: false,
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/tests.json' }]],
  },
});
