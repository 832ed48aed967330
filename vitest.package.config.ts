import { defineConfig } from 'vitest/config';

/** Apps that install the packed package, most of them from the npm registry: `npm run test:package`. */
export default defineConfig({
  test: {
    include: ['test/package/**/*.test.ts'],
    globalSetup: [
      'test/support/postgres/global-setup.ts',
      'test/support/browser/global-setup.ts',
      'test/package/pack.ts',
    ],
    testTimeout: 300_000,
    hookTimeout: 180_000,
    allowOnly: false,
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/package-tests.json' }]],
  },
});
