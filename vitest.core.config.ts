import { defineConfig } from 'vitest/config';

/** The tests beside `src/core` alone, which need no server: what `npm run mutate` judges. */
export default defineConfig({
  test: { include: ['src/core/**/*.test.ts'], allowOnly: false },
});
