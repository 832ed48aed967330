import { defineConfig } from 'tsdown';

const common = {
  // One file of output for one of source: the connection's thread is a file of its own, found beside its neighbour.
  unbundle: true,
  root: 'src',
  dts: true,
  fixedExtension: false,
} as const;

export default defineConfig([
  {
    ...common,
    entry: [
      'src/index.ts',
      'src/http/node.ts',
      'src/testing/index.ts',
      'src/cli/main.ts',
      'src/storage/sqlite/thread.ts',
    ],
    tsconfig: 'tsconfig.build.json',
    // The pages are built by themselves, and may be there already.
    clean: ['dist/*', '!dist/page', '!dist/usage-page'],
    platform: 'node',
    target: 'node22.18',
  },
  {
    ...common,
    entry: ['src/client/index.ts', 'src/react/index.ts', 'src/react/texts/index.ts'],
    tsconfig: 'tsconfig.browser.build.json',
    platform: 'neutral',
    target: 'es2022',
    clean: false,
    copy: [{ from: 'src/react/style.css', to: 'dist/react' }],
  },
]);
