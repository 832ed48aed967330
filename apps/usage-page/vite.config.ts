import { join } from 'node:path';
import { defineConfig } from 'vite';

const root = import.meta.dirname;

/** The page that `tallybook serve` ships: `index.html` is served at `…/usage`, and everything else below that. */
export default defineConfig({
  root,
  // Whatever path an app mounts it at: the page finds its files beside itself.
  base: './',
  oxc: { jsx: { runtime: 'automatic' } },
  build: {
    outDir: join(root, '../../dist/usage-page'),
    emptyOutDir: true,
    assetsDir: 'usage/assets',
    // Its policy lets no text in the page run, so nothing may be put there.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
});
