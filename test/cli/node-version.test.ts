import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { refusalOfNode } from '../../src/cli/node-version.ts';
import { ROOT } from './command.ts';

const SENTENCE = 'Tallybook needs Node 22.18 or newer; this is v20.19.5.';
const folder = join(ROOT, 'src', 'cli');

test.each(['v0.12.18', 'v18.20.8', 'v20.19.5', 'v22.17.1'])('%s is too old', (version) => {
  expect(refusalOfNode(version)).toBe(`Tallybook needs Node 22.18 or newer; this is ${version}.`);
});

test.each(['v22.18.0', 'v22.21.1', 'v23.0.0', 'v24.0.0-rc.1', 'v100.2.0'])('%s is not', (version) => {
  expect(refusalOfNode(version)).toBeNull();
});

test('the oldest version is the one that the package promises', () => {
  const oldest = manifest.engines.node.replace('>=', 'v');
  expect(refusalOfNode(oldest)).toBeNull();
  expect(manifest.engines.node).toBe('>=22.18.0');
});

test('the command says so in one line, and nothing else runs', () => {
  const pretended = `Object.defineProperty(process, 'version', { value: 'v20.19.5' })`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [`--import=data:text/javascript,${encodeURIComponent(pretended)}`, join(folder, 'main.ts'), '--version'],
    { encoding: 'utf8' },
  );
  expect([status, stdout, stderr]).toEqual([1, '', `${SENTENCE}\n`]);
});

/** They are loaded before the check, and what they need an older Node may not have. */
test('before it looks, it loads the look and nothing else', () => {
  const importsOf = (file: string) =>
    [...readFileSync(join(folder, file), 'utf8').matchAll(/^(?:import|export)\b[^;]*?'(.+)';$/gm)].map(
      ([, module]) => module,
    );
  expect(importsOf('main.ts')).toEqual(['./node-version.ts']);
  expect(importsOf('node-version.ts')).toEqual([]);
  expect(importsOf('program.ts')).toContain('commander');
});
