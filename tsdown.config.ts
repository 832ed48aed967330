import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: [
    'src/index.ts',
    'src/http/node.ts',
    'src/testing/index.ts',
    'src/cli/main.ts',
    'src/storage/sqlite/thread.ts',
  ],
  // One file of output for one of source: the connection's thread is a file of its own, found beside its neighbour.
  unbundle: true,
  tsconfig: 'tsconfig.build.json',
  platform: 'node',
  target: 'node22.18',
  dts: true,
  fixedExtension: false,
});
