import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.{ts,tsx}'],
    // `npm run test:package`.
    exclude: ['**/node_modules/**', 'test/package/**'],
    globalSetup: [
      'test/support/compile-cache.ts',
      'test/support/stripe-contract/load-contract.ts',
      'test/support/postgres/global-setup.ts',
      'test/support/browser/global-setup.ts',
    ],
    maxWorkers: '100%',
    testTimeout: 60_000,
    allowOnly: false,
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/tests.json' }]],
  },
});
