import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { canAsk, isConfirmed } from '../../src/cli/confirmation.ts';
import { CATALOGUE, createCatalogueScene } from '../support/catalogue-scene.ts';
import { documentedCommands, programsOf } from '../support/documented-commands.ts';
import { temporaryDirectory } from '../support/folders.ts';
import { createSimulatedStripe } from '../support/simulated-stripe.ts';
import { withSimulator, writeProgram } from './catalogue-config.ts';
import { ROOT, runCommand } from './command.ts';

const run = promisify(execFile);
const PAGE = 'docs/plans.md';
const [CONFIG = '', PROGRAM = ''] = programsOf(PAGE);

/** A Stripe account whose time is the machine's, with which a command's clock agrees, and a configuration for it. */
async function createCommandScene(key?: string) {
  const simulated = createSimulatedStripe({ clock: { now: () => Date.now() } });
  const config = writeProgram('tallybook.config.ts', await withSimulator(CONFIG, simulated.simulator, key));
  const scene = createCatalogueScene(simulated);
  return { ...scene, config, tallybook: (...args: string[]) => runCommand([...args, '--config', config]) };
}

function withoutIds(text: string): string {
  return text.replaceAll(/\b(price|mtr)_\w+/g, '$1_id');
}

describe(PAGE, () => {
  test('shows what the commands print, in lines that fit a terminal', async () => {
    const { config } = await createCommandScene();
    const [push, again, doctor, ...others] = documentedCommands(PAGE);
    expect(others).toEqual([]);
    const first = await runCommand([...(push?.args ?? []), '--config', config]);
    expect(first).toEqual({ code: 0, stdout: push?.output, stderr: '' });
    writeFileSync(config, readFileSync(config, 'utf8').replace("'1.5'", "'1.4'"));
    const second = await runCommand([...(again?.args ?? []), '--config', config]);
    expect(withoutIds(second.stdout)).toBe(withoutIds(again?.output ?? ''));
    expect(second).toMatchObject({ code: 0, stderr: '' });
    const third = await runCommand([...(doctor?.args ?? []), '--config', config]);
    expect(third.stdout.startsWith((doctor?.output ?? '').trimEnd())).toBe(true);
    expect(third).toMatchObject({ code: 0, stderr: '' });
    for (const { stdout } of [first, second]) {
      expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    }
  });

  test('shows a program that pushes', async () => {
    const { config, stripe } = await createCommandScene();
    const path = writeProgram('push.ts', PROGRAM, dirname(config));
    // The simulator answers in this process, which must not stand still.
    expect((await run(process.execPath, [path])).stdout).toBe('5 done, 0 left\n');
    expect((await stripe.prices.list()).data).toHaveLength(3);
  });

  test('lists every check of doctor, and no other', () => {
    const text = readFileSync(join(ROOT, PAGE), 'utf8');
    const listed = [...text.slice(text.indexOf('| check | finds |')).matchAll(/^\| (`.*?) \|/gm)].flatMap(
      ([, cell = '']) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    );
    const sources = ['doctor-checks.ts', 'catalogue-comparison.ts'].map((name) =>
      readFileSync(join(ROOT, 'src/core', name), 'utf8'),
    );
    const bad = sources
      .join('')
      .matchAll(/'(?:error|warning)',\s*'(\w+)'|[?:]\s*'((?:meter|price|product)_\w+)'/g);
    const named = [...bad].flatMap(([, a, b]) => [a, b]).filter((name) => name !== undefined);
    const own = sources.join('').matchAll(/find\(\s*'(\w+)'/g);
    const all = new Set([
      ...named,
      ...[...own].map(([, name]) => name),
      'stripe',
      'stripe_package',
      'database',
      'storage_unsafe',
    ]);
    expect([...all].toSorted()).toEqual(listed.toSorted());
  });
});

describe('push', () => {
  test('shows the changes and makes none where nobody can confirm: 1', async () => {
    const { tallybook, writes } = await createCommandScene();
    const { code, stdout, stderr } = await tallybook('push');
    expect(stdout).toContain('+ meter credits');
    expect(stderr).toBe(
      'tallybook: Nothing was changed. Pass --yes to confirm the changes without a question.\n',
    );
    expect([code, writes()]).toEqual([1, []]);
  });

  test('ends with 0 where nothing differs', async () => {
    const { tallybook } = await createCommandScene();
    await tallybook('push', '--yes');
    expect(await tallybook('push')).toEqual({
      code: 0,
      stdout: 'Stripe, test mode, has what is configured.\n',
      stderr: '',
    });
  });

  test('prints JSON: what there is to do, and what was done', async () => {
    const { tallybook, writes } = await createCommandScene();
    const shown = await tallybook('push', '--json');
    const compared = JSON.parse(shown.stdout);
    expect([shown.code, compared.mode, compared.changes.length, writes()]).toEqual([1, 'test', 5, []]);
    const pushed = await tallybook('push', '--json', '--yes');
    expect(pushed.code).toBe(0);
    expect(JSON.parse(pushed.stdout)).toMatchObject({ done: compared.changes, left: [], failure: null });
    const nothing = await tallybook('push', '--json', '--yes');
    expect([nothing.code, JSON.parse(nothing.stdout).changes]).toEqual([0, []]);
  });

  test('says what it cannot change, and ends with 1', async () => {
    const { tallybook, stripe } = await createCommandScene();
    await stripe.billing.meters.create({
      display_name: 'x',
      event_name: 'credits',
      default_aggregation: { formula: 'count' },
    });
    const { code, stdout } = await tallybook('push', '--yes');
    expect(stdout).toMatch(
      /\n {2}! meters\.credits: mtr_\d+ does not add usage up: its formula is count\. It can't be/,
    );
    expect(stdout).toContain('Made 3 changes.');
    expect(code).toBe(1);
  });

  test('says what is left when Stripe refuses, in one line, and ends with 1', async () => {
    const { tallybook, simulator } = await createCommandScene();
    simulator.faults.add({
      kind: '403',
      path: '/v1/products',
      method: 'POST',
      times: Number.POSITIVE_INFINITY,
    });
    const { code, stdout, stderr } = await tallybook('push', '--yes');
    expect(stdout).toContain('Made 1 change.');
    expect(stderr).toMatch(
      /^tallybook: 4 changes left, the first is product tallybook_pro: Pro\. .*permissions.*\n$/,
    );
    expect(code).toBe(1);
  });

  test('--live is refused with a test key: 2', async () => {
    const { tallybook, writes } = await createCommandScene();
    const { code, stdout, stderr } = await tallybook('push', '--live', '--yes');
    expect([code, stdout, writes()]).toEqual([2, '', []]);
    expect(stderr).toMatch(/^tallybook: The key is a test key\. .*--live.*\n$/);
  });

  test('without Stripe it says so in one line, and no key is told', async () => {
    const { config } = await createCommandScene();
    writeFileSync(config, readFileSync(config, 'utf8').replace(/stripe: .*,\n/, ''));
    const { code, stderr } = await runCommand(['push', '--config', config]);
    expect(stderr).toMatch(/^tallybook: stripe: Stripe is not configured\. [^\n]*\n$/m);
    expect(code).toBe(1);
    const revoked = await createCommandScene('sk_live_revoked');
    const refused = await revoked.tallybook('push', '--yes');
    expect(refused.code).toBe(1);
    expect(refused.stdout + refused.stderr).not.toContain('sk_live');
  });
});

describe('with a live key', () => {
  test('nothing is changed without --live, whatever is confirmed', async () => {
    const { config, writes, simulator } = await createCommandScene('sk_live_1');
    // The simulator has no live mode: the key is turned into one of its own on the way.
    const preload = writeProgram(
      'live.mjs',
      `const real = globalThis.fetch;
      globalThis.fetch = (url, init) => {
        const headers = new Headers(init?.headers);
        headers.set('authorization', 'Bearer sk_test_1');
        return real(url, { ...init, headers });
      };`,
    );
    const env = { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import ${preload}` };
    const tallybook = (...args: string[]) => runCommand([...args, '--config', config], { env });
    const refused = await tallybook('push', '--yes');
    expect(refused.stdout).toContain('Stripe, live mode:');
    expect(refused.stderr).toContain('pass --live');
    expect([refused.code, writes()]).toEqual([1, []]);
    expect(await tallybook('push', '--yes', '--live')).toMatchObject({ code: 0, stderr: '' });
    expect(writes()).toHaveLength(5);
    expect(simulator.requests().length).toBeGreaterThan(5);
  });
});

describe('the question', () => {
  const terminal = (isTTY: boolean) => ({
    stdin: Object.assign(new PassThrough(), { isTTY }),
    stdout: Object.assign(new PassThrough(), { isTTY }),
  });

  test.each([
    ['y\n', true],
    ['YES\n', true],
    ['\n', false],
    ['n\n', false],
    ['yesterday\n', false],
    ['', false],
  ])('answered with %j is %s', async (answer, expected) => {
    const { stdin, stdout } = terminal(true);
    stdin.end(answer);
    expect(await isConfirmed('Go? ', { stdin, stdout })).toBe(expected);
    expect(String(stdout.read())).toContain('Go? ');
  });

  test('is asked on a terminal only', () => {
    expect([canAsk(terminal(true)), canAsk(terminal(false))]).toEqual([true, false]);
    expect(canAsk({ stdin: terminal(true).stdin, stdout: terminal(false).stdout })).toBe(false);
  });
});

describe('pull', () => {
  const env = { STRIPE_SECRET_KEY: 'sk_test_1' };

  async function createPullScene() {
    const scene = createCatalogueScene();
    await scene.push(CATALOGUE);
    const { url } = await scene.simulator.listen();
    onTestFinished(() => scene.simulator.close());
    const out = join(temporaryDirectory(), 'tallybook.config.ts');
    return {
      ...scene,
      url,
      out,
      pull: (...args: string[]) => runCommand(['pull', '--api-base', url, ...args], { env }),
    };
  }

  test('writes a configuration that type-checks, and that push changes nothing for', async () => {
    const { pull, out, simulator } = await createPullScene();
    expect(await pull('--out', out)).toEqual({ code: 0, stdout: '', stderr: '' });
    const printed = await pull();
    expect(printed).toEqual({ code: 0, stdout: readFileSync(out, 'utf8'), stderr: '' });
    writeFileSync(out, await withSimulator(printed.stdout, simulator));
    const checked = await runCommand(['push', '--config', out]);
    expect(checked).toEqual({ code: 0, stdout: 'Stripe, test mode, has what is configured.\n', stderr: '' });
    const library = join(ROOT, 'src/index.ts');
    const program = writeProgram('checked.ts', printed.stdout.replace("'tallybook'", `'${library}'`));
    writeProgram('package.json', JSON.stringify({ type: 'module' }), dirname(program));
    const compilerOptions = {
      typeRoots: [join(ROOT, 'node_modules/@types')],
      // The library is imported by its place here, and not by its name.
      rewriteRelativeImportExtensions: false,
    };
    const project = {
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions,
      files: ['checked.ts'],
      include: [],
    };
    const config = writeProgram('tsconfig.json', JSON.stringify(project), dirname(program));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, '-p', config]).catch(({ stdout }) => ({ stdout }));
    expect(stdout).toBe('');
  });

  test('replaces no file unless --force says so', async () => {
    const { pull, out } = await createPullScene();
    writeFileSync(out, 'mine');
    const refused = await pull('--out', out);
    expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--force') });
    expect(readFileSync(out, 'utf8')).toBe('mine');
    expect((await pull('--out', out, '--force')).code).toBe(0);
    expect(readFileSync(out, 'utf8')).toContain('createUsage');
    expect((await pull('--out', join(out, 'below'))).code).toBe(1);
  });

  test('tells what it leaves out on standard error', async () => {
    const { pull, stripe, out } = await createPullScene();
    const extra = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 1,
      product: 'tallybook_pro',
      recurring: { interval: 'month', interval_count: 3 },
    });
    const { code, stderr } = await pull('--out', out);
    expect(stderr).toMatch(/^tallybook: Left out: [^\n]+\n$/);
    expect(stderr).toContain(extra.id);
    expect(readFileSync(out, 'utf8')).toContain(`// Left out: The price ${extra.id}`);
    expect(code).toBe(0);
  });

  test.each([
    [['pull'], {}, 'STRIPE_SECRET_KEY'],
    [['pull'], { STRIPE_SECRET_KEY: 'pk_test_1' }, 'STRIPE_SECRET_KEY'],
    [['pull', '--api-base', 'stripe'], env, 'stripe is no address'],
    [['pull', '--api-base', 'file:///x'], env, 'no address'],
    [['pull', 'x'], env, 'arguments'],
    [['push', '--sure'], {}, '--sure'],
    [['doctor', '--fix'], {}, '--fix'],
  ])('%j with %j is wrong use: 2, in one line', async (args, environment, words) => {
    const { code, stdout, stderr } = await runCommand(args, {
      env: { STRIPE_SECRET_KEY: '', ...environment },
    });
    expect(stderr).toMatch(/^tallybook: [^\n]+\n$/);
    expect(stderr).toContain(words);
    expect([code, stdout]).toEqual([2, '']);
  });

  test('says in one line when Stripe cannot be read, and writes nothing', async () => {
    const { pull, out, simulator } = await createPullScene();
    simulator.faults.add({ kind: '500_before', times: Number.POSITIVE_INFINITY });
    const { code, stderr } = await pull('--out', out);
    expect(stderr).toMatch(/^tallybook: Stripe could not be read[^\n]+\n$/);
    expect([code, existsSync(out)]).toEqual([1, false]);
  });
});

describe('doctor', () => {
  test('ends with 1 on an error, and prints what to do below it', async () => {
    const { tallybook } = await createCommandScene();
    const { code, stdout } = await tallybook('doctor');
    expect(stdout).toMatch(
      /^severity +check +where\nerror +meter_inactive +meters\.credits\n {2}Stripe has no such meter\.\n {2}→ Run `tallybook push`\.\n/,
    );
    expect(stdout).toMatch(/\n\n4 errors, 4 warnings\.\n$/);
    expect(code).toBe(1);
  });

  test('prints the same as JSON', async () => {
    const { tallybook } = await createCommandScene();
    await tallybook('push', '--yes');
    const { code, stdout } = await tallybook('doctor', '--json');
    const { findings, errors, warnings } = JSON.parse(stdout);
    expect([code, errors, warnings]).toEqual([0, 0, 3]);
    expect(findings[0]).toEqual({
      severity: 'warning',
      check: 'webhook_secret',
      where: 'stripe.webhook_secret',
      what: expect.any(String),
      remedy: expect.any(String),
    });
  });
});
