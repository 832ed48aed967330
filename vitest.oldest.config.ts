import { defineConfig } from 'vitest/config';
import standard from './vitest.config.ts';

/** What touches Node most, for the oldest one that package.json promises: `npm run test:oldest`. */
export default defineConfig({
  test: {
    ...standard.test,
    include: [
      'src/{storage,recorder,http}/**/*.test.ts',
      'test/{cli,client,http}/**/*.test.ts',
      'test/{main-job,report-job,telemetry,thread-flags,usage,webhooks,webhook-receiver}.test.ts',
    ],
    exclude: ['**/node_modules/**'],
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/oldest-tests.json' }]],
  },
});
