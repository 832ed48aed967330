import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/support/stripe-contract/load-contract.ts'],
    testTimeout: 60_000,
    // A test that is left out by mistake is a failure, also outside of CI.
    allowOnly: false,
  },
});
