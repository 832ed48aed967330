import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

/** What the lint rules of this repository say of one line in one file. */
function lint(file: string, line: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'tallybook-lint-'));
  try {
    cpSync('biome.json', join(directory, 'biome.json'));
    cpSync('scripts/lint', join(directory, 'scripts/lint'), { recursive: true });
    mkdirSync(join(directory, dirname(file)), { recursive: true });
    writeFileSync(join(directory, file), `${line}\nexport const used = imported;\n`);
    const biome = join(process.cwd(), 'node_modules/.bin/biome');
    const { stdout, stderr } = spawnSync(biome, ['lint', '--colors=off', file], {
      cwd: directory,
      encoding: 'utf8',
    });
    return stdout + stderr;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const REFUSED = [
  ['src/core/x.ts', '../storage/schema.ts'],
  ['src/core/x.ts', 'node:fs'],
  ['src/core/x.ts', 'kysely'],
  ['src/recorder/x.ts', '../storage/kysely-store.ts'],
  ['src/query/x.ts', '../stripe/token-bucket.ts'],
  ['src/storage/x.ts', '../stripe/token-bucket.ts'],
  ['src/storage/sqlite/x.ts', '../../worker/worker.ts'],
  ['src/stripe/x.ts', '../storage/schema.ts'],
  ['src/worker/x.ts', '../recorder/recorder.ts'],
  ['src/worker/x.ts', '../testing/movable-clock.ts'],
  ['src/telemetry/x.ts', '../stripe/rate-limiter.ts'],
  ['src/methods/x.ts', '../storage/schema.ts'],
  ['src/methods/x.ts', '../stripe/rate-limiter.ts'],
  ['src/options/x.ts', '../testing/movable-clock.ts'],
  ['src/options/x.ts', '../methods/accounts.ts'],
  ['src/http/x.ts', '../query/usage-query.ts'],
  ['src/http/resources/x.ts', '../../storage/schema.ts'],
  ['src/client/x.ts', '../core/errors.ts'],
  ['src/client/x.ts', '../http/problem.ts'],
  ['src/react/x.ts', '../core/price.ts'],
  ['src/react/x.ts', '../http/wire/usage.ts'],
  ['src/usage.ts', './testing/movable-clock.ts'],
  ['src/cli/main.ts', '../testing/movable-clock.ts'],
] as const;

const ALLOWED = [
  ['src/core/x.ts', './price.ts'],
  ['src/recorder/x.ts', '../core/store.ts'],
  ['src/storage/x.ts', 'kysely'],
  ['src/storage/sqlite/x.ts', '../schema.ts'],
  ['src/storage/sqlite/x.ts', '../../core/store.ts'],
  ['src/stripe/x.ts', '../core/price.ts'],
  ['src/worker/x.ts', 'croner'],
  ['src/telemetry/x.ts', '@opentelemetry/api'],
  ['src/telemetry/x.ts', '../core/store.ts'],
  ['src/methods/x.ts', './accounts.ts'],
  ['src/methods/x.ts', '../core/store.ts'],
  ['src/methods/x.ts', '../query/usage-query.ts'],
  ['src/http/x.ts', '../core/store.ts'],
  ['src/http/resources/x.ts', '../wire/usage.ts'],
  ['src/http/resources/x.ts', '../route.ts'],
  ['src/client/x.ts', '../http/wire/usage.ts'],
  ['src/react/x.ts', '../client/client.ts'],
  ['src/react/texts/x.ts', './texts.ts'],
  ['src/testing/stripe-simulator/x.ts', '../../core/price.ts'],
  ['src/cli/dev/x.ts', '../../testing/movable-clock.ts'],
] as const;

test.each(REFUSED)('%s must not import %s', (file, module) => {
  expect(lint(file, `import { imported } from '${module}';`)).toContain('noRestrictedImports');
});

test.each(ALLOWED)('%s may import %s', (file, module) => {
  expect(lint(file, `import { imported } from '${module}';`)).not.toContain('noRestrictedImports');
});

test.each(['core', 'recorder', 'worker'])(
  'src/%s must not read the machine’s clock or randomness',
  (folder) => {
    for (const ambient of ['Date.now()', 'new Date()', 'Math.random()', 'setTimeout(() => {}, 1)']) {
      expect(lint(`src/${folder}/x.ts`, `const imported = ${ambient};`)).toContain('are injected here');
    }
  },
);

test('only the command line reads the process environment', () => {
  const line = "const imported = process.env['X'];";
  expect(lint('src/stripe/x.ts', line)).toContain('noProcessEnv');
  expect(lint('src/cli/x.ts', line)).not.toContain('noProcessEnv');
});
