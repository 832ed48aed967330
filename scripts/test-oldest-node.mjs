// The tests that touch Node most, on the oldest one that package.json promises: what only a later one can do goes
// unnoticed otherwise. Its binary comes from the npm registry, without an install script.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const { engines } = JSON.parse(readFileSync('package.json', 'utf8'));
const version = engines.node.replace('>=', '');
const cache = join('node_modules/.cache', `node-${version}`);
const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
const platform = process.platform === 'win32' ? 'win' : process.platform;
const name = `${prefix}-${platform}-${process.arch}`;

mkdirSync(cache, { recursive: true });
execFileSync(
  'npm',
  [
    'install',
    '--prefix',
    cache,
    '--no-save',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    `${name}@${version}`,
  ],
  {
    stdio: ['ignore', 'ignore', 'inherit'],
  },
);
const bin = join(process.cwd(), cache, 'node_modules', name, 'bin');
const { status } = spawnSync(
  join(bin, 'node'),
  ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.oldest.config.ts'],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      PATH: `${bin}${delimiter}${process.env.PATH}`,
      // Where SQLite and type stripping are experimental, Node says so on the standard error that tests read.
      NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
    },
  },
);
process.exit(status ?? 1);
