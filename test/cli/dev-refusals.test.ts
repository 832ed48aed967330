import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryDirectory } from '../support/folders.ts';
import { runCommand } from './command.ts';
import { startDev } from './running-dev.ts';

/** One line on standard error, no stack. */
const ONE_LINE = /^tallybook: [^\n]+\n$/;

test.for([
  [['--nope'], '--nope'],
  [['dev', '--prot', '1'], '--port'],
  [['dev', '--port', 'eighty'], 'eighty'],
  [['dev', '--port', '65536'], '65536'],
  [['dev', 'usage.csv'], 'arguments'],
  [['bill'], 'bill'],
  [[], 'tallybook dev'],
  [['dev', '--import', 'missing.csv'], 'missing.csv does not exist'],
  [['dev', '--import', '.'], 'directory'],
  [['worker', '--config', 'missing.ts'], 'missing.ts does not exist'],
])('%j is refused in one line', async ([args, words]) => {
  const { code, stdout, stderr } = await runCommand(args as string[], { cwd: temporaryDirectory() });
  expect(code).toBeGreaterThan(0);
  expect(stderr).toMatch(ONE_LINE);
  expect(stderr).toContain(words);
  expect(stdout).toBe('');
});

test('--help and --version succeed', async () => {
  const help = await runCommand(['--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toContain('worker');
  expect(await runCommand(['--version'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
});

test('dev is refused in production', async () => {
  const { code, stderr } = await runCommand(['dev'], {
    env: { NODE_ENV: 'production' },
    cwd: temporaryDirectory(),
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(ONE_LINE);
  expect(stderr).toContain('NODE_ENV');
});

/** Taken by another process. */
async function takenPort(): Promise<string> {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    other.close();
  });
  const address = other.address();
  return typeof address === 'object' && address !== null ? String(address.port) : '';
}

// Both: as beside another `tallybook dev`.
test.for(['--port', '--stripe-port', '--port --stripe-port'])(
  'a port that is in use is named (%s)',
  async (names) => {
    const options = names.split(' ');
    const ports = await Promise.all(options.map(takenPort));
    const directory = temporaryDirectory();
    const taken = options.flatMap((option, index) => [option, ports[index] ?? '']);
    const args = ['dev', '--port', '0', '--stripe-port', '0', '--directory', directory, ...taken];
    const { code, stderr } = await runCommand(args);
    expect(code).toBe(1);
    expect(stderr).toMatch(ONE_LINE);
    expect(stderr).toContain(`Port ${ports[0]} is in use`);
    expect(stderr).toContain(`with ${options[0]},`);
  },
);

test('dev and serve run side by side without an option', async () => {
  const { stdout } = await runCommand(['serve', '--help']);
  // Of the pages, and of the simulated Stripe beside it.
  expect(stdout).toMatch(/--port .*\(default: 4244\)/s);
});

test('a directory serves one process at a time', async () => {
  const directory = temporaryDirectory();
  const dev = await startDev({ directory });
  const { code, stderr } = await runCommand(['dev', '--port', '0', '--directory', directory]);
  expect(code).toBe(1);
  expect(stderr).toMatch(ONE_LINE);
  expect(stderr).toContain('Another');
  expect((await dev.post('/v1/usage', { account: 'acme' })).status).toBe(200);
});

test.for([
  ['stripe.db', 'simulated Stripe'],
  ['clock.json', 'clock.json'],
  ['imports.json', 'imports.json'],
  ['usage.db', 'database'],
])('a damaged %s is named', async ([file, words]) => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, file ?? ''), 'this is none of ours '.repeat(100));
  const { code, stderr } = await runCommand(['dev', '--port', '0', '--directory', directory]);
  expect(code).toBe(1);
  expect(stderr.trim().split('\n').at(-1)).toContain(words);
  expect(stderr).not.toContain('    at ');
});

test('a path that cannot be a directory is named', async () => {
  const file = join(temporaryDirectory(), 'file');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'below')]) {
    const { code, stderr } = await runCommand(['dev', '--port', '0', '--directory', path]);
    expect(code).toBe(1);
    expect(stderr).toMatch(ONE_LINE);
    expect(stderr).toContain('--directory');
  }
});

test('a file without usage ends the start that asked for it', async () => {
  const { code, stderr } = await runCommand(
    ['dev', '--port', '0', '--directory', temporaryDirectory(), '--import', '-'],
    { input: 'name,age\nAda,36\n' },
  );
  expect(code).toBe(1);
  expect(stderr).toMatch(ONE_LINE);
  expect(stderr).toContain('"name"');
});

test('a file that is no usage is refused before anything is started', async () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'people.csv');
  writeFileSync(file, 'name,age\nAda,36\n');
  const args = ['dev', '--port', '0', '--directory', join(directory, 'data'), '--import', file];
  const { code, stdout, stderr } = await runCommand(args);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(ONE_LINE);
  expect(stderr).toContain('people.csv was not imported: The column "name" is not known.');
});

test('bad requests are refused with a reason, and count nothing', async () => {
  const dev = await startDev({ directory: temporaryDirectory() });
  const cases: readonly [unknown, number, string][] = [
    ['{"account":"acme"', 400, 'invalid_json'],
    ['{"account":"acme","quantity":1,"quantity":100}', 400, 'invalid_json'],
    [`${'['.repeat(10_000)}${']'.repeat(10_000)}`, 400, 'invalid_json'],
    ['[]', 400, 'invalid_parameter'],
    [{ account: 'acme', quantitiy: 10 }, 400, 'invalid_parameter'],
    ['{"account":"acme","__proto__":{"quantity":5}}', 400, 'invalid_parameter'],
    [{ account: 'acme', quantity: -1 }, 400, 'invalid_quantity'],
    [{ account: 'acme', quantity: '10' }, 400, 'invalid_quantity'],
    [{ account: ' acme' }, 400, 'invalid_account'],
    [{ account: 'acme', meter: 'nope' }, 400, 'invalid_meter'],
    [{ account: 'acme', timestamp: '2020-01-01' }, 400, 'invalid_timestamp'],
    [{ account: 'acme', properties: { text: 'x'.repeat(1_048_576) } }, 413, 'body_too_large'],
  ];
  for (const [body, status, code] of cases) {
    expect(await dev.post('/v1/usage', body)).toMatchObject({
      status,
      body: { code, detail: expect.any(String), remedy: expect.any(String) },
    });
  }
  await dev.post('/v1/usage', { account: 'acme', quantity: 2, idempotency_key: 'k' });
  const conflict = await dev.post('/v1/usage', { account: 'acme', quantity: 3, idempotency_key: 'k' });
  expect(conflict).toMatchObject({ status: 409, body: { code: 'idempotency_conflict' } });
  expect((await dev.call('/v1/usage', { method: 'POST', body: 'account=acme' })).status).toBe(415);
  expect((await dev.call('/api/imports', { method: 'POST', body: 'account,quantity\nacme,1' })).status).toBe(
    415,
  );
  expect((await dev.call('/v1/usage')).status).toBe(405);
  expect((await dev.call('/nothing')).status).toBe(404);
  expect((await dev.post('/api/clock', { to: 'yesterday' })).status).toBe(400);
  expect(await dev.quantityOf('acme', 'credits')).toBe(2);
});

test('usage is recorded as the API does it, without a key, and refused in its words', async () => {
  const dev = await startDev({ directory: temporaryDirectory() });
  const increments = [{ account: 'acme', quantity: 3 }];
  expect(await dev.post('/v1/usage/batch', { increments })).toMatchObject({ status: 200 });
  const refused = await fetch(`${dev.url}/v1/usage`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: 'Bearer tbk_of_nobody' },
    body: '{}',
  });
  expect([refused.status, refused.headers.get('content-type')]).toEqual([400, 'application/problem+json']);
  expect(await dev.quantityOf('acme', 'credits')).toBe(3);
});

test('pages of other sites reach nothing', async () => {
  const dev = await startDev({ directory: temporaryDirectory() });
  const { host, port } = new URL(dev.url);
  const cases: readonly [Record<string, string>, number][] = [
    [{ Host: host }, 200],
    [{ Host: `localhost:${port}` }, 200],
    [{ Host: host, Origin: dev.url }, 200],
    [{ Host: 'evil.example' }, 403],
    [{ Host: `evil.example:${port}` }, 403],
    [{ Host: host, Origin: 'https://evil.example' }, 403],
    [{ Host: host, Origin: 'null' }, 403],
    [{ Host: host, Origin: 'http://127.0.0.1:1' }, 403],
    [{ Host: host, 'Sec-Fetch-Site': 'cross-site' }, 403],
  ];
  for (const [headers, status] of cases) {
    expect([headers, await postUsage(port, headers)]).toEqual([headers, status]);
  }
  expect(await dev.quantityOf('acme', 'credits')).toBe(3);
});

test.for(['/', '/gallery', '/operator'])(
  '%s runs no script but its own and is in nobody else’s frame',
  async (path) => {
    const dev = await startDev({ directory: temporaryDirectory() });
    const page = await fetch(dev.url + path);
    const policy = page.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    const html = await page.text();
    expect(html).not.toMatch(/<script(?![^>]*src=)|<style|\son\w+=|style=/);
    const scripts = [...html.matchAll(/<script[^>]*src="([^"]+)"/g)].map(([, src]) => src);
    expect(scripts).toHaveLength(1);
    expect((await fetch(dev.url + scripts[0])).status).toBe(200);
  },
);

test('the page of an account reads with a token of that account, and no other way', async () => {
  const dev = await startDev({ directory: temporaryDirectory() });
  await dev.post('/v1/usage', { account: 'acme', quantity: 7 });
  const read = (path: string) => dev.call(`/accounts/acme${path}`);
  expect(await read('/v1/usage/cost?meter=credits')).toMatchObject({
    status: 200,
    body: { account: 'acme', quantity: 7 },
  });
  expect(await read('/v1/usage?account=globex')).toMatchObject({ status: 404 });
  expect(await read('/v1/accounts')).toMatchObject({ status: 403 });
  expect(await read('/v1/../../api/state')).toMatchObject({ status: 404 });
  expect(await dev.call('/accounts/nobody/invoices')).toMatchObject({ status: 404 });
  expect((await dev.post('/accounts/acme/v1/usage', { account: 'acme' })).status).toBe(403);
  expect((await dev.post('/accounts/acme/v1/plans/change', { plan: 'free' })).status).toBe(403);
});

/** With headers that `fetch` would not send. */
function postUsage(port: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const path = '/v1/usage';
    const type = { 'Content-Type': 'application/json' };
    const sent = request(
      { host: '127.0.0.1', port, path, method: 'POST', headers: { ...type, ...headers } },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    sent.on('error', reject);
    sent.end('{"account":"acme"}');
  });
}
