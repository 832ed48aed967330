import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ROOT, runCommand } from './cli/command.ts';
import { temporaryDirectory } from './support/folders.ts';

const BILLING = "stripe: { secret_key: 'sk_test_1' },";

interface AppOptions {
  /** The package that is not installed. Default: `stripe`. */
  readonly missing?: string;
  /** Default: one that bills with Stripe. */
  readonly stripe?: string;
  /** Default: a file in the directory. */
  readonly database?: string;
}

/** An app in a directory of its own. */
function createApp({ missing = 'stripe', stripe = BILLING, database }: AppOptions = {}) {
  const directory = temporaryDirectory();
  const hook = join(directory, 'hook.mjs');
  writeFileSync(
    hook,
    `import { registerHooks } from 'node:module';
    registerHooks({
      resolve(name, context, next) {
        if (name === '${missing}') throw new Error('Cannot find package');
        return next(name, context);
      },
    });`,
  );
  const config = join(directory, 'tallybook.config.ts');
  const library = pathToFileURL(join(ROOT, 'src', 'index.ts')).href;
  const place = JSON.stringify(database ?? join(directory, 'usage.db'));
  writeFileSync(
    config,
    `import { createUsage } from '${library}';
    export const usage = createUsage({ database: ${place}, ${stripe} meters: { credits: {} } });`,
  );
  return {
    directory,
    config,
    env: { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import ${pathToFileURL(hook).href}` },
  };
}

test('the worker of an app says so once, and the app goes on counting', async () => {
  const { directory, env } = createApp();
  const program = join(directory, 'app.ts');
  writeFileSync(
    program,
    `import { usage } from './tallybook.config.ts';
    usage.worker.start();
    const { recorded } = await usage.increment({ account: 'acct_1' });
    await usage.worker.stop();
    usage.worker.start();
    await usage.close();
    console.log(recorded);`,
  );
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], {
    env: { ...process.env, ...env },
  });
  expect(stdout).toBe('true\n');
  expect(stderr.match(/The package `stripe` is not installed.*npm install stripe/g)).toHaveLength(1);
});

test('`tallybook worker` does not start', async () => {
  const { config, env } = createApp();
  const { code, stdout, stderr } = await runCommand(['worker', '--config', config], { env });
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toMatch(
    /^tallybook: stripe: The package `stripe` is not installed[^\n]+npm install stripe[^\n]+\n$/,
  );
});

test('`tallybook doctor` has one error', async () => {
  const { config, env } = createApp();
  const { code, stdout, stderr } = await runCommand(['doctor', '--json', '--config', config], { env });
  expect(code).toBe(1);
  expect(stderr).toBe('');
  const { findings } = JSON.parse(stdout);
  expect(findings).toMatchObject([
    {
      severity: 'error',
      check: 'stripe_package',
      where: 'stripe',
      what: expect.stringContaining('The package `stripe` is not installed'),
      remedy: 'Install it (`npm install stripe`), and start again.',
    },
    { severity: 'ok', check: 'database' },
  ]);
});

test('an app that does not bill yet needs no package', async () => {
  const { config, env } = createApp({ stripe: '' });
  const { code, stdout } = await runCommand(['doctor', '--config', config], { env });
  expect(code).toBe(0);
  expect(stdout).toContain('Stripe is not configured');
});

test('an app on PostgreSQL learns with its first call what to install', async () => {
  const database = 'postgres://localhost:1/app';
  const { directory, config, env } = createApp({ missing: 'pg', stripe: '', database });
  const program = join(directory, 'app.ts');
  writeFileSync(
    program,
    `import { usage } from './tallybook.config.ts';
    const { code, status, message } = await usage.increment({ account: 'acct_1' }).catch((error) => error);
    await usage.close();
    console.log(JSON.stringify([code, status, message]));`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, [program], {
    env: { ...process.env, ...env },
  });
  const reason = 'The package `pg` is not installed, which PostgreSQL needs.';
  const remedy = 'Install it (`npm install pg`), and start again.';
  expect(JSON.parse(stdout)).toEqual(['invalid_configuration', 500, `database: ${reason} ${remedy}`]);
  const doctor = await runCommand(['doctor', '--json', '--config', config], { env });
  expect([doctor.code, doctor.stderr]).toEqual([1, '']);
  expect(JSON.parse(doctor.stdout).findings).toContainEqual({
    severity: 'error',
    check: 'invalid_configuration',
    where: 'database',
    what: `database: ${reason}`,
    remedy,
  });
});
