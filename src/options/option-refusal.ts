import type { z } from 'zod';
import { UsageError } from '../core/errors.ts';

type Issue = z.core.$ZodIssue;

/** Names the option and what is wrong, never the value: it may be a secret. */
export function refusalOf(error: z.ZodError, options: unknown): UsageError {
  const [first] = error.issues;
  if (!first) return invalidOption('', 'They are not valid.');
  const issue = innermost(first);
  if (issue.code === 'unrecognized_keys') {
    const field = pathText([...issue.path, ...issue.keys.slice(0, 1)]);
    return invalidOption(field, 'There is no such option here.', 'Correct its name, or take it out.');
  }
  const field = pathText(issue.path);
  // What is there and undefined was refused before.
  if (issue.path.length > 0 && valueAt(options, issue.path) === undefined) {
    return invalidOption(field, 'It is missing.', 'Set it: it has no default.');
  }
  return invalidOption(field, `${issue.message}.`);
}

export function invalidOption(field: string, reason: string, remedy?: string): UsageError {
  const details = { field: field === '' ? 'options' : field, reason };
  return new UsageError('invalid_configuration', remedy === undefined ? details : { ...details, remedy });
}

/** The name of an entry of an option: `plans.pro.prices[0].tiers` */
export function entryPath(path: string, key: PropertyKey): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  return path === '' ? String(key) : `${path}.${String(key)}`;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(entryPath, '');
}

function valueAt(options: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (Object(value) === value ? Reflect.get(Object(value), key) : undefined),
    options,
  );
}

/** What is wrong with a name, or within the one form of an option that has the type of what was set. */
function innermost(issue: Issue): Issue {
  if (issue.code === 'invalid_key') return { ...issue, message: issue.issues[0]?.message ?? issue.message };
  if (issue.code !== 'invalid_union') return issue;
  const meant = issue.errors.flatMap((form) => form.slice(0, 1)).find((each) => !isOfOtherType(each));
  return meant ? innermost({ ...meant, path: [...issue.path, ...meant.path] }) : issue;
}

function isOfOtherType({ code, path }: Issue): boolean {
  return path.length === 0 && ['invalid_type', 'invalid_value', 'invalid_union'].includes(code);
}
