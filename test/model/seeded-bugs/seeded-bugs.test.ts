import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { MODEL_BUGS } from './bugs.ts';
import { huntModel } from './hunt.ts';

const TIMEOUT_MS = 300_000;

describe('the model finds a product that', () => {
  test.concurrent.each(MODEL_BUGS.map((bug) => [bug.name, bug] as const))(
    'has the mistake: %s',
    async (_, bug) => {
      expect(await huntModel(bug, bug.seed, 1)).not.toBeNull();
    },
    TIMEOUT_MS,
  );
});

test('every mistake is in the table of docs/reliability.md, with its seed', () => {
  const page = readFileSync(new URL('../../../docs/reliability.md', import.meta.url), 'utf8');
  for (const { name, seed } of MODEL_BUGS) expect(page).toContain(`| ${name} | ${seed} |`);
});
