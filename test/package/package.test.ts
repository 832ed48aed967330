import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { adminQuery, createDatabase } from '../support/postgres/databases.ts';

/** An app that has installed the packed tarball, with nothing but the package's own dependencies beside it. */
const app = mkdtempSync(join(tmpdir(), 'tallybook-app-'));
const repository = join(import.meta.dirname, '../..');
const manifest: { version: string; dependencies: Record<string, string> } = JSON.parse(
  readFileSync(join(repository, 'package.json'), 'utf8'),
);

const run = (command: string, args: readonly string[], cwd: string) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: 'pipe' });

beforeAll(() => {
  const modules = join(app, 'node_modules');
  mkdirSync(join(modules, 'tallybook'), { recursive: true });
  run('tar', ['-xzf', inject('tarball'), '-C', join(modules, 'tallybook'), '--strip-components=1'], app);
  for (const name of [...Object.keys(manifest.dependencies), '@types/node', 'typescript']) {
    mkdirSync(join(modules, name, '..'), { recursive: true });
    symlinkSync(join(repository, 'node_modules', name), join(modules, name));
  }
});

afterAll(() => rmSync(app, { recursive: true, force: true }));

const CALLS = `
  const usage = createUsage({ database: 'usage.db', meters: { credits: {} } });
  await usage.increment({ account: 'account_id', quantity: 10 });
  await usage.increment({ account: 'account_id' });
  const past = await usage.get({ account: 'account_id', period_start: '2023-10-10', period_end: '2023-11-11' });
  const { quantity } = await usage.get({ account: 'account_id' });
  await usage.close();
  console.log(JSON.stringify({ past: past.quantity, quantity }));`;

test('an ES module can import it, and the connection’s thread is found in the built package', () => {
  writeFileSync(join(app, 'app.mjs'), `import { createUsage } from 'tallybook';${CALLS}`);
  expect(JSON.parse(run('node', ['app.mjs'], app))).toEqual({ past: 0, quantity: 11 });
});

test('require() gives the same', () => {
  const program = `const { createUsage } = require('tallybook'); (async () => {${CALLS}})();`;
  writeFileSync(join(app, 'app.cjs'), program);
  expect(JSON.parse(run('node', ['app.cjs'], app))).toEqual({ past: 0, quantity: 22 });
});

test('tallybook/testing gives the simulator', () => {
  const program = `import { createStripeSimulator } from 'tallybook/testing';
    const simulator = createStripeSimulator({ clock: { now: () => 0 } });
    const answer = await simulator.fetch(new Request('https://api.stripe.com/v1/customers', { method: 'POST', headers: { authorization: 'Bearer sk_test_1' } }));
    console.log(answer.status);
    await simulator.close();`;
  writeFileSync(join(app, 'simulator.mjs'), program);
  expect(run('node', ['simulator.mjs'], app).trim()).toBe('200');
});

test('its types compile in a strict app that has no Stripe', () => {
  writeFileSync(
    join(app, 'app.ts'),
    `import { createUsage, rate, UsageError, type UsageResult } from 'tallybook';
    import { createMovableClock } from 'tallybook/testing';
    const usage = createUsage({ database: '/tmp/usage.db', meters: { credits: {} } });
    export const result: Promise<UsageResult> = usage.get({ account: 'a' });
    export const amount: number = rate({ currency: 'usd', unit_amount_decimal: '1' }, 3).amount;
    export { createMovableClock, UsageError };`,
  );
  const options = {
    strict: true,
    module: 'nodenext',
    target: 'es2024',
    noEmit: true,
    skipLibCheck: false,
    types: ['node'],
  };
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['app.ts'] }));
  writeFileSync(join(app, 'package.json'), JSON.stringify({ type: 'module' }));
  expect(run('node', [join(app, 'node_modules/typescript/bin/tsc'), '-p', app], app)).toBe('');
});

test('the command line knows its version', () => {
  const main = join(app, 'node_modules/tallybook/dist/cli/main.js');
  expect(run('node', [main, '--version'], app).trim()).toBe(manifest.version);
});

test('what users install has no install scripts and no native add-ons', () => {
  const installed = run(
    'npm',
    ['ls', '--omit=dev', '--omit=peer', '--all', '--parseable', '--workspaces=false'],
    repository,
  )
    .trim()
    .split('\n')
    .slice(1);
  expect(installed.length).toBeGreaterThan(5);
  for (const directory of installed) {
    const { name, scripts = {}, gypfile } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    const hooks = ['preinstall', 'install', 'postinstall'].filter((hook) => hook in scripts);
    expect({ name, hooks, gypfile: gypfile ?? false }).toEqual({ name, hooks: [], gypfile: false });
  }
});

/** The programs that a page shows. */
function programsOf(page: string): string[] {
  const text = readFileSync(join(repository, page), 'utf8');
  return [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);
}

/** Writes programs into the app. */
function write(programs: Readonly<Record<string, string>>): void {
  for (const [name, program] of Object.entries(programs)) writeFileSync(join(app, name), program);
}

/** What the compiler says of programs in the app, which has packages of its own. */
function typeCheck(files: readonly string[], more: Readonly<Record<string, unknown>> = {}): string {
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    target: 'es2024',
    noEmit: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    types: ['node'],
    ...more,
  };
  write({
    'tsconfig.json': JSON.stringify({ compilerOptions, files }),
    'package.json': JSON.stringify({ type: 'module' }),
  });
  return run('node', [join(app, 'node_modules/typescript/bin/tsc'), '-p', app], app);
}

function install(...packages: readonly string[]): void {
  for (const name of packages) {
    mkdirSync(join(app, 'node_modules', name, '..'), { recursive: true });
    const link = join(app, 'node_modules', name);
    if (!existsSync(link)) symlinkSync(join(repository, 'node_modules', name), link);
  }
}

describe('docs/client.md and docs/react.md', () => {
  const [client = '', ...others] = programsOf('docs/client.md');
  const [server = ''] = programsOf('docs/react.md');
  const [, component = ''] =
    /```tsx\n(.*?)```/s.exec(readFileSync(join(repository, 'docs/react.md'), 'utf8')) ?? [];
  const config = `import { createUsage } from 'tallybook';
    export const usage = createUsage({ database: '/tmp/usage.db', meters: { credits: {} } });`;
  const entry = `import { createElement } from 'react';
    import { createRoot } from 'react-dom/client';
    import { UsagePage } from './usage-page.tsx';
    const root = document.getElementById('root');
    if (root) createRoot(root).render(createElement(UsagePage));`;

  beforeAll(() => {
    install('react', 'react-dom', '@types/react', '@types/react-dom', 'stripe');
    write({
      'client.ts': client,
      'server.ts': server,
      'usage-page.tsx': component,
      'tallybook.config.ts': config,
      'entry.ts': entry,
      'style.d.ts': "declare module '*.css';",
      'index.html': '<div id="root"></div><script type="module" src="/entry.ts"></script>',
    });
  });

  test('show programs that type-check', () => {
    expect(others).toEqual([]);
    const files = ['client.ts', 'server.ts', 'usage-page.tsx', 'entry.ts', 'style.d.ts'];
    const browser = { lib: ['es2024', 'dom', 'dom.iterable'], jsx: 'react-jsx' };
    expect(typeCheck(files, browser)).toBe('');
  });

  test('a Vite app builds with them, and gets only what it uses, with the stylesheet', () => {
    run('node', [join(repository, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'error'], app);
    const assets = join(app, 'dist/assets');
    const built = readdirSync(assets).map((file) => readFileSync(join(assets, file), 'utf8'));
    const all = built.join('\n');
    expect(all).toContain('Cost so far');
    expect(all).toContain('--tallybook-accent');
    // The list of invoices is not in the program, and neither is anything of the server.
    expect(all).not.toContain('tallybook-invoice-name"');
    expect(all).not.toMatch(/ZodError|kysely|node:sqlite/);
  });
});

test('the command line brings its pages: those of the development server, and the customer’s', () => {
  for (const page of ['page', 'usage-page']) {
    expect(existsSync(join(app, `node_modules/tallybook/dist/${page}/index.html`))).toBe(true);
  }
});

describe('the README', () => {
  const blocks = programsOf('README.md');
  const [config = '', calls = '', testing = ''] = blocks;
  const programs = { 'in-your-app.ts': `${config}\n${calls}\nawait usage.close();\n`, 'testing.ts': testing };

  beforeAll(() => {
    install('stripe');
    // The README's Stripe customer is made up: nothing may leave this machine for it.
    write({ ...programs, 'offline.mjs': 'globalThis.fetch = () => Promise.reject(new Error("offline"));' });
  });

  test('shows three programs, and all of them type-check', () => {
    expect(blocks).toHaveLength(3);
    expect(typeCheck(Object.keys(programs))).toBe('');
  });

  test('counts what it says it counts', () => {
    rmSync(join(app, 'usage.db'), { force: true });
    const environment = { ...process.env, STRIPE_SECRET_KEY: 'sk_test_1' };
    const options = { cwd: app, env: environment, encoding: 'utf8', stdio: 'pipe' } as const;
    const output = execFileSync('node', ['--import', './offline.mjs', 'in-your-app.ts'], options);
    expect(output).toMatch(/^20 credits until \d{4}-.*: 40 cents so far/);
  });

  test('bills what it says it bills', () => {
    expect(run('node', ['testing.ts'], app).trim()).toMatch(/^\[ 2000 \]$/);
  });
});

describe('docs/telemetry.md', () => {
  test('shows a program that type-checks and tells what was measured', () => {
    const [program = '', ...others] = programsOf('docs/telemetry.md');
    expect(others).toEqual([]);
    install('@opentelemetry/sdk-metrics');
    rmSync(join(app, 'metrics.db'), { force: true });
    write({ 'metrics.ts': program });
    expect(typeCheck(['metrics.ts'])).toBe('');
    const printed = run('node', ['metrics.ts'], app);
    for (const name of ['tallybook.entries', 'tallybook.commit.duration', 'tallybook.job.lateness']) {
      expect(printed).toContain(`name: '${name}'`);
    }
  });
});

describe('docs/adjustments.md', () => {
  const [program = '', ...others] = programsOf('docs/adjustments.md');

  test('shows a program that type-checks and counts what it says', () => {
    expect(others).toEqual([]);
    rmSync(join(app, 'adjustments.db'), { force: true });
    write({ 'adjust.ts': program });
    expect(typeCheck(['adjust.ts'])).toBe('');
    expect(run('node', ['adjust.ts'], app).trim()).toBe('20');
  });
});

describe('docs/postgresql.md', () => {
  const programs = Object.fromEntries(
    programsOf('docs/postgresql.md').map((code) => [/^\/\/ (.*\.ts)\n/.exec(code)?.[1] ?? '', code]),
  );
  const names = Object.keys(programs);

  beforeAll(() => {
    install('pg', '@types/pg', 'drizzle-orm');
    const rest = `import { pool, usage } from './usage.ts';
      const { quantity } = await usage.get({ account: 'acct_1' });
      const { rows } = await pool.query('SELECT id FROM orders ORDER BY id');
      console.log(JSON.stringify({ quantity, orders: rows.map(({ id }) => id) }));
      await usage.close();
      await pool.end();`;
    write({ ...programs, 'all.ts': `${names.map((name) => `import './${name}';`).join('\n')}${rest}` });
  });

  test('shows transactions of three libraries, and all of it type-checks', () => {
    expect(names).toEqual(['usage.ts', 'with-pg.ts', 'with-kysely.ts', 'with-drizzle.ts']);
    expect(typeCheck([...names, 'all.ts'])).toBe('');
  });

  test('counts an order’s usage with the order', async () => {
    const { url, drop } = await createDatabase();
    try {
      await adminQuery(url, 'CREATE TABLE orders (id integer PRIMARY KEY)');
      const options = { cwd: app, env: { ...process.env, DATABASE_URL: url }, encoding: 'utf8' } as const;
      const output = execFileSync('node', ['all.ts'], options);
      expect(JSON.parse(output)).toEqual({ quantity: 30, orders: [7, 8, 9] });
    } finally {
      await drop();
    }
  });
});

describe('docs/subscribing.md', () => {
  test('shows a program that type-checks and subscribes as it says', () => {
    const [program = '', ...others] = programsOf('docs/subscribing.md');
    expect(others).toEqual([]);
    install('stripe');
    rmSync(join(app, 'subscribing.db'), { force: true });
    write({ 'subscribe.ts': program });
    expect(typeCheck(['subscribe.ts'])).toBe('');
    expect(run('node', ['subscribe.ts'], app).trim()).toBe('true trialing team 3');
  });
});

describe.each([
  ['docs/seats.md', 'seats', '6 null\n[ 12000, 6000, 3000, 9300 ]'],
  ['docs/plan-changes.md', 'change', 'false 100\n1800 2 1\npending max 50 null\nnull 50 1800'],
])('%s', (page, name, printed) => {
  test('shows a program that type-checks and prints what it says', () => {
    const [program = '', ...others] = programsOf(page);
    expect(others).toEqual([]);
    install('stripe');
    rmSync(join(app, `${name}.db`), { force: true });
    write({ [`${name}.ts`]: program });
    expect(typeCheck([`${name}.ts`])).toBe('');
    expect(run('node', [`${name}.ts`], app).trim()).toBe(printed);
  });
});

describe('docs/webhooks.md', () => {
  const programs = Object.fromEntries(
    programsOf('docs/webhooks.md').map((code) => [/^\/\/ (.*\.ts)\n/.exec(code)?.[1] ?? '', code]),
  );
  const names = Object.keys(programs);
  const secrets = { STRIPE_WEBHOOK_SECRET: 'whsec_snapshot', STRIPE_THIN_WEBHOOK_SECRET: 'whsec_thin' };
  const env = { ...process.env, STRIPE_SECRET_KEY: 'sk_test_1', ...secrets };
  const runProgram = (file: string) => execFileSync('node', [file], { cwd: app, env, encoding: 'utf8' });

  beforeAll(() => {
    install('stripe');
    rmSync(join(app, 'usage.db'), { force: true });
    write({
      ...programs,
      // The same event through both ways in, as Stripe signs it.
      'mounted.ts': `import { app } from './with-hono.ts';
        import { server } from './with-node.ts';
        import { usage } from './usage.ts';
        import type { AddressInfo } from 'node:net';
        import Stripe from 'stripe';
        const payload = JSON.stringify({ id: 'evt_1', object: 'v2.core.event', livemode: false,
          type: 'v1.billing.meter.no_meter_found', created: new Date().toISOString() }, null, 2);
        const header = new Stripe('sk_test_1').webhooks.generateTestHeaderString({ payload, secret: 'whsec_thin' });
        const init = { method: 'POST', body: payload, headers: { 'Stripe-Signature': header } };
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        const { port } = server.address() as AddressInfo;
        const overHttp = await fetch(\`http://127.0.0.1:\${port}/webhooks/stripe\`, init);
        const inHono = await app.request('/webhooks/stripe', init);
        const unsigned = await app.request('/webhooks/stripe', { method: 'POST', body: payload });
        console.log(JSON.stringify([await overHttp.json(), await inHono.json(), unsigned.status]));
        server.close();
        await usage.close();`,
    });
  });

  test('shows programs that all type-check', () => {
    expect(names).toEqual(['usage.ts', 'with-hono.ts', 'with-node.ts', 'parked.ts', 'testing.ts']);
    expect(typeCheck([...names, 'mounted.ts'])).toBe('');
  });

  test('mounts a handler that takes Stripe’s events', () => {
    expect(JSON.parse(runProgram('mounted.ts'))).toEqual([
      { received: true, outcome: 'received' },
      { received: true, outcome: 'duplicate' },
      400,
    ]);
  });

  test('picks up a subscription as it says', () => {
    rmSync(join(app, 'webhooks.db'), { force: true });
    expect(runProgram('testing.ts').trim()).toBe('true');
    expect(runProgram('parked.ts')).toBe('');
  });

  test('names every event that is handled, and no other', () => {
    const text = readFileSync(join(repository, 'docs/webhooks.md'), 'utf8');
    const source = readFileSync(join(repository, 'src/core/webhook-event.ts'), 'utf8');
    const [setUp = ''] = text.split('## Mount it');
    const named = [
      ...setUp.matchAll(/`((?:checkout|customer|invoice|billing|v1)?[a-z0-9_]*(?:\.[a-z_]+)+)`/g),
    ].map(([, name = '']) => name);
    let family = '';
    const types = named.flatMap((name) => {
      if (!name.startsWith('.')) family = name.slice(0, name.lastIndexOf('.'));
      return name.startsWith('usage.') ? [] : [name.startsWith('.') ? `${family}${name}` : name];
    });
    const handled = [...source.matchAll(/\['([a-z0-9_.]+)', '(?:sync|link|meter_\w+)'\]/g)].map(
      ([, name]) => name,
    );
    expect(handled.length).toBeGreaterThan(10);
    expect(types.toSorted()).toEqual(handled.toSorted());
  });
});

describe('docs/plans.md', () => {
  const programs = Object.fromEntries(
    programsOf('docs/plans.md').map((code) => [/^\/\/ (.*\.ts)\n/.exec(code)?.[1] ?? '', code]),
  );

  test('shows programs that type-check', () => {
    install('stripe');
    write(programs);
    expect(Object.keys(programs)).toEqual(['tallybook.config.ts', 'push.ts']);
    expect(typeCheck(Object.keys(programs))).toBe('');
  });
});

describe.each([
  ['docs/http.md', ['usage.ts', 'with-hono.ts', 'with-node.ts', 'usage-with-page.ts', 'with-openmeter.ts']],
  ['docs/keys.md', ['usage.ts', 'token-route.ts']],
])('%s', (page, names) => {
  test('shows programs that all type-check', () => {
    install('@openmeter/sdk');
    const programs = programsOf(page).map(
      (code) => [/^\/\/ (.*\.ts)\n/.exec(code)?.[1] ?? '', code] as const,
    );
    expect(programs.map(([name]) => name)).toEqual(names);
    write(Object.fromEntries(programs));
    expect(typeCheck(names)).toBe('');
  });
});

test('docs/http.md lists every route', async () => {
  const { RESOURCES } = await import('../../src/http/resources.ts');
  const { OPEN_ROUTES } = await import('../../src/http/open-routes.ts');
  const text = readFileSync(join(repository, 'docs/http.md'), 'utf8');
  const [, table = ''] = text.split('## Routes');
  const named = [...table.matchAll(/`(GET|POST|PUT) (\/[\w/]+)`/g)].map(
    ([, method, path]) => `${method} ${path}`,
  );
  const served = [...RESOURCES, ...OPEN_ROUTES].map(
    ({ definition: { method, path } }) => `${method.toUpperCase()} ${path}`,
  );
  expect(named.toSorted()).toEqual(served.toSorted());
});
