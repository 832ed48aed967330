import { defineConfig } from 'vitest/config';

/** Random schedules, processes that are killed, servers in trouble, and many accounts or periods: `npm run test:long`. */
export const LONG_TESTS = [
  'test/{simulation,model,processes}/**/*.test.ts',
  'test/postgres-{pooler,trouble,waits}.test.ts',
  'test/{billing-boundaries,midnight,poisoned-account}.test.ts',
  'test/cli/dev-{import,refusals}.test.ts',
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
