import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryDirectory } from '../support/folders.ts';
import { exitCode, outputOf, ROOT, runCommand, startCommand } from './command.ts';

const TOKEN_SECRET = 'a secret of more than thirty-two bytes';

function createConfig({ onError = '() => {}' }: { readonly onError?: string | null } = {}) {
  const directory = temporaryDirectory();
  const path = join(directory, 'tallybook.config.ts');
  const library = pathToFileURL(join(ROOT, 'src', 'index.ts')).href;
  const database = JSON.stringify(join(directory, 'usage.db'));
  writeFileSync(
    path,
    `import { createUsage } from '${library}';
    export const usage = createUsage({
      database: ${database},
      meters: { credits: {} },
      http: { token_secret: '${TOKEN_SECRET}', usage_page: true },
      ${onError === null ? '' : `onError: ${onError},`}
    });\n`,
  );
  return path;
}

async function createKey(
  config: string,
  ...args: readonly string[]
): Promise<{ secret: string; key: string }> {
  const { code, stdout } = await runCommand(['keys', 'create', '--config', config, '--json', ...args]);
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

test('serves the API with a key of the command line, logs requests without secrets, and stops when asked', async () => {
  const config = createConfig();
  const { secret } = await createKey(config, '--scope', 'write', '--scope', 'read');
  const server = startCommand(['serve', '--config', config, '--port', '0']);
  const output = outputOf(server);
  const ready = JSON.parse(await output.waitFor(/^\{.*The HTTP API is served.*$/m));
  expect(ready).toMatchObject({ host: '127.0.0.1', worker: true });
  const url = `http://127.0.0.1:${ready.port}`;
  const headers = {
    authorization: `Bearer ${secret}`,
    'content-type': 'application/json',
    'x-request-id': 'req-7',
  };
  const body = JSON.stringify({ account: 'acct_1', quantity: 5 });
  const recorded = await fetch(`${url}/v1/usage`, { method: 'POST', headers, body });
  expect(await recorded.json()).toEqual({ recorded: true, duplicate: false });
  const read = await fetch(`${url}/v1/usage?account=acct_1`, { headers });
  expect(await read.json()).toMatchObject({ quantity: 5 });
  const line = JSON.parse(await output.waitFor(/^\{.*"method":"POST".*$/m));
  expect(line).toMatchObject({ request_id: 'req-7', path: '/v1/usage', status: 200 });
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  const page = await fetch(`${url}/usage`);
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  server.kill('SIGTERM');
  expect(await exitCode(server)).toBe(0);
  expect(output.text).toContain('Stopped');
  expect(output.text).not.toContain(secret.slice(20));
  expect(output.text).not.toContain('account=acct_1');
});

test('serves without the report job where that runs elsewhere', async () => {
  const server = startCommand(['serve', '--config', createConfig(), '--port', '0', '--no-worker']);
  const output = outputOf(server);
  expect(JSON.parse(await output.waitFor(/^\{.*The HTTP API is served.*$/m)).worker).toBe(false);
  server.kill('SIGINT');
  expect(await exitCode(server)).toBe(0);
});

test('what failed is found in the log by the id that the answer has, and every line is JSON', async () => {
  const config = createConfig({ onError: null });
  const { secret } = await createKey(config, '--scope', 'read');
  const server = startCommand(['serve', '--config', config, '--port', '0']);
  const output = outputOf(server);
  const { port } = JSON.parse(await output.waitFor(/^\{.*The HTTP API is served.*$/m));
  const database = new DatabaseSync(join(dirname(config), 'usage.db'));
  onTestFinished(() => database.close());
  database.exec('ALTER TABLE account RENAME TO elsewhere');
  const headers = { authorization: `Bearer ${secret}` };
  const answer = await fetch(`http://127.0.0.1:${port}/v1/usage?account=acct_1`, { headers });
  expect(answer.status).toBe(500);
  const { request_id } = (await answer.json()) as { readonly request_id: string };
  server.kill('SIGTERM');
  await exitCode(server);
  const lines = output.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.filter((line) => line.request_id === request_id)).toMatchObject([
    { level: 50, msg: 'A request failed', code: 'storage_failed', err: { stack: expect.any(String) } },
    { level: 30, msg: 'request', status: 500 },
  ]);
});

test('a log that nobody reads stops nothing: requests are answered, lines are dropped, and the process ends', async () => {
  const server = startCommand(['serve', '--config', createConfig(), '--port', '0', '--no-worker']);
  const output = outputOf(server);
  const { port } = JSON.parse(await output.waitFor(/^\{.*The HTTP API is served.*$/m));
  server.stdout?.pause();
  const ask = async (count: number) => {
    const url = `http://127.0.0.1:${port}/${'x'.repeat(10_000)}`;
    for (let request = 0; request < count; request += 1) expect((await fetch(url)).status).toBe(404);
  };
  await ask(400); // of which the log has room for a quarter
  server.stdout?.resume();
  expect(JSON.parse(await output.waitFor(/^\{.*were dropped.*$/m)).dropped).toBeGreaterThan(100);
  server.stdout?.pause();
  await ask(200);
  server.kill('SIGTERM');
  expect(await exitCode(server)).toBe(0);
});

test('the log is complete when the process ends, also where it is read a little late', async () => {
  const server = startCommand(['serve', '--config', createConfig(), '--port', '0', '--no-worker']);
  const output = outputOf(server);
  const { port } = JSON.parse(await output.waitFor(/^\{.*The HTTP API is served.*$/m));
  server.stdout?.pause();
  const url = `http://127.0.0.1:${port}/${'x'.repeat(10_000)}`;
  const headers = { connection: 'close' };
  for (let request = 0; request < 80; request += 1) await fetch(url, { headers });
  server.kill('SIGTERM');
  await sleep(300);
  server.stdout?.resume();
  expect(await exitCode(server)).toBe(0);
  await expect.poll(() => output.text.match(/"status":404/g)).toHaveLength(80);
  expect(output.text.trim().split('\n').at(-1)).toContain('Stopped');
});

test('a port that is taken is said in one line', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as AddressInfo;
  const { code, stderr } = await runCommand(['serve', '--config', createConfig(), '--port', String(port)]);
  expect(code).toBe(1);
  expect(stderr).toBe(
    `tallybook: 127.0.0.1:${port} cannot be listened on (EADDRINUSE). Pass another address with --host and --port.\n`,
  );
});

test('keys are created, listed, rotated and revoked, with their history', async () => {
  const config = createConfig();
  const run = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await runCommand(['keys', ...args, '--config', config]);
    expect([code, stderr]).toEqual([0, '']);
    return stdout;
  };
  const created = await run('create', '--scope', 'read', '--name', 'CI', '--actor', 'ada');
  const secret = /^tbk_\w{54}$/m.exec(created)?.[0] ?? '';
  const key = secret.slice(0, 20);
  expect(created).toContain('shown this once');
  const rotated = await run('rotate', key, '--overlap', '60', '--actor', 'bea');
  const next = /^tbk_\w{54}$/m.exec(rotated)?.[0]?.slice(0, 20) ?? '';
  expect(await run('revoke', next)).toContain(`${next} is revoked`);
  const list = await run('list');
  expect(list).toMatch(new RegExp(`${key} +CI +read +every account +good`));
  expect(list).toMatch(new RegExp(`${next} +CI +read +every account +revoked`));
  expect(list).not.toContain(secret.slice(20));
  const { actions } = JSON.parse(await run('history', '--json'));
  expect(
    actions.map(({ action, actor }: { action: string; actor: string }) => [action, actor]),
  ).toMatchObject([
    ['key_revoked', expect.any(String)],
    ['key_created', 'bea'],
    ['key_rotated', 'bea'],
    ['key_created', 'ada'],
  ]);
});

test.each([
  [['keys', 'create'], 2, /--scope/],
  [['keys', 'create', '--scope', 'root'], 2, /scopes/],
  [['keys', 'create', '--scope', 'read', '--expires-at', 'tomorrow'], 2, /--expires-at/],
  [['keys', 'revoke', 'tbk_nobody'], 2, /first 20 characters/],
  [['keys', 'revoke', 'tbk_0000000000000000'], 2, /no API key/],
  [['keys', 'rotate', 'tbk_0000000000000000', '--overlap', 'x'], 2, /seconds/],
  [['serve', '--port', '99999'], 2, /port/],
])('%j is refused in one line', async (args, code, reason) => {
  const result = await runCommand([...args, '--config', createConfig()]);
  expect([result.code, result.stdout]).toEqual([code, '']);
  expect(result.stderr).toMatch(reason);
  expect(result.stderr.trim().split('\n')).toHaveLength(1);
});
