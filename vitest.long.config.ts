import { defineConfig } from 'vitest/config';
import standard, { LONG_TESTS } from './vitest.config.ts';

/** As much of the long tests as fits into minutes; their scripts go on for as long as one likes. */
export default defineConfig({
  test: {
    ...standard.test,
    include: LONG_TESTS,
    exclude: ['**/node_modules/**'],
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/long-tests.json' }]],
  },
});
