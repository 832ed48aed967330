import { join } from 'node:path';
import { defineConfig } from 'vite';

const root = import.meta.dirname;
const PAGES = ['index.html', 'operator.html', 'gallery.html'];

/** The pages of `tallybook dev`, built ahead: into `dist/page`, from where source and package serve them. */
export default defineConfig({
  root,
  oxc: { jsx: { runtime: 'automatic' } },
  build: {
    outDir: join(root, '../../dist/page'),
    emptyOutDir: true,
    // Its policy lets no text in the page run, so nothing may be put there.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: { input: PAGES.map((page) => join(root, page)) },
  },
});
