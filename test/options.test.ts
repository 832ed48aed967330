import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { postgresOptions, sqliteOptions } from '../src/options/database-options.ts';
import { optionsSchema } from '../src/options/usage-options.ts';

/** `<name>` stands for a name that the app chooses, `[]` for each of a list. */
function namesOf(schema: unknown, path: string): string[] {
  if (schema instanceof z.ZodOptional) return namesOf(schema.unwrap(), path);
  if (schema instanceof z.ZodRecord) return namesOf(schema.valueType, `${path}.<name>`);
  if (schema instanceof z.ZodArray) return namesOf(schema.element, `${path}[]`);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((form) => namesOf(form, path));
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape).flatMap(([name, option]) => {
    const own = path === '' ? name : `${path}.${name}`;
    return [own, ...namesOf(option, own)];
  });
}

test('docs/options.md has every option of createUsage once, and no other', () => {
  const documented = [...readFileSync('docs/options.md', 'utf8').matchAll(/^\| `([^`]+)` \|/gm)].map(
    ([, name]) => name,
  );
  const options = [
    ...namesOf(optionsSchema, ''),
    ...namesOf(sqliteOptions, 'database'),
    ...namesOf(postgresOptions, 'database'),
  ];
  expect(options.length).toBeGreaterThan(60);
  expect(documented.toSorted()).toEqual(options.toSorted());
});
