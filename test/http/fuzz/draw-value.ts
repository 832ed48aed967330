import type { Random } from '../../simulation/random.ts';
import type { Schema } from '../operations.ts';

/** Values that have broken something somewhere. */
export const HOSTILE: readonly [unknown, ...unknown[]] = [
  '',
  ' ',
  'a\u0000b',
  '\ud800',
  '\u202e',
  "'; DROP TABLE usage; --",
  '__proto__',
  'constructor',
  '../../x',
  '<img onerror>',
  '=cmd()',
  '%',
  '%00',
  '👩‍🚀',
  'e\u0301',
  'x'.repeat(300),
  'x'.repeat(20_000),
  '1e3',
  '0x10',
  '٣',
  'NaN',
  '-0',
  '2025-02-29',
  '9999-99-99',
  'Mars/X',
  -1,
  0,
  1.5,
  1e308,
  2 ** 53,
  -(2 ** 53),
  999_999_999_999_999,
  1_000_000_000_000_000,
  null,
  true,
  false,
  [],
  {},
  [1],
  [[[[]]]],
  { __proto__: { a: 1 } },
  { constructor: 1 },
  { toString: 1 },
  { length: 5 },
];
/** Names that mean something in the installation. */
const ACCOUNTS: readonly [string, ...string[]] = ['own', 'foreign', 'nobody', 'é', "o'neil"];
const URLS: readonly [string, ...string[]] = [
  'https://app.example.com/x',
  'https://evil.example/',
  'javascript:alert(1)',
];
const KNOWN: Readonly<Record<string, readonly [unknown, ...unknown[]]>> = {
  account: ACCOUNTS,
  subject: ACCOUNTS,
  meter: ['credits', 'tokens', 'credit'],
  type: ['credits', 'tokens', 'mapped', 'unknown'],
  plan: ['pro', 'business', 'free', null, 'gold'],
  return_url: URLS,
  success_url: URLS,
  cancel_url: URLS,
  customer_email: ['ada@example.com', 'ada'],
  proration_date: ['2026-01-10T12:00:00Z', '2026-01-10'],
  time_zone: ['UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kathmandu'],
  period_start: ['2026-01-10', '2026-01-10T11:00:00Z', '2025-12-01'],
  period_end: ['2026-01-12', '2026-02-01', '2026-01-10T13:00:00+05:30'],
  timestamp: ['2026-01-10T11:59:00Z', '2026-01-10', '2025-12-10T00:00:00Z'],
  time: ['2026-01-10T11:59:00Z', '2026-01-10t11:59:00.5z'],
  idempotency_key: ['k1', 'k2', 'k3'],
  stripe_customer: ['cus_1', 'cus_2', null],
  status: ['open', 'held,failed', 'reported'],
  invoice: ['in_1', 'in_'],
};
const MAX_ITEMS = 5;
const MAX_DEPTH = 6;

/** A value that a schema allows, mostly. */
export function drawValue(random: Random, schema: Schema, components: Schema, name = '', depth = 0): unknown {
  const known = KNOWN[name];
  if (known && random.chance(0.9)) return random.pick(known);
  if (depth > MAX_DEPTH) return null;
  const into = (inner: Schema, key = '') => drawValue(random, inner, components, key, depth + 1);
  if (schema.$ref) return into(components.schemas[schema.$ref.split('/').at(-1)]);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return into(random.pick(choices));
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part: Schema) => into(part)));
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return random.pick(schema.enum);
  const type = Array.isArray(schema.type) ? random.pick(schema.type as [string, ...string[]]) : schema.type;
  if (type === 'integer' || type === 'number') {
    const { minimum = 0, maximum = 1_000 } = schema;
    return random.integer(Math.max(minimum, -1_000), Math.min(maximum, Math.max(minimum, 0) + 1_000));
  }
  if (type === 'string') return `text ${random.integer(0, 9)}`;
  if (type === 'boolean') return random.chance(0.5);
  if (type === 'null') return null;
  if (type === 'array') {
    return Array.from({ length: random.integer(schema.minItems ?? 0, MAX_ITEMS) }, () =>
      into(schema.items ?? {}),
    );
  }
  if (type === 'object' || schema.properties) return drawObject(random, schema, into);
  return random.pick(HOSTILE);
}

function drawObject(random: Random, schema: Schema, into: (inner: Schema, key?: string) => unknown): unknown {
  const required: readonly string[] = schema.required ?? [];
  const entries = Object.entries<Schema>(schema.properties ?? {})
    .filter(([key]) => required.includes(key) || random.chance(0.5))
    .map(([key, inner]) => [key, into(inner, key)]);
  const more =
    typeof schema.additionalProperties === 'object' ? [['x', into(schema.additionalProperties)]] : [];
  return Object.fromEntries([...entries, ...more]);
}

/** The same with one part of it exchanged, left out, added or doubled. */
export function mutate(random: Random, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || random.chance(0.1)) return random.pick(HOSTILE);
  if (Array.isArray(value)) {
    const at = random.integer(0, Math.max(0, value.length - 1));
    if (random.chance(0.3)) return [...value, ...value];
    return value.map((item, index) => (index === at ? mutate(random, item) : item));
  }
  const keys = Object.keys(value);
  const [first] = keys;
  if (first === undefined || random.chance(0.2))
    return { ...value, [random.pick(['extra', '__proto__', 'account', 'quantitiy'])]: 1 };
  const key = random.pick([first, ...keys.slice(1)]);
  const entries = Object.entries(value).flatMap(([name, inner]) => {
    if (name !== key) return [[name, inner]];
    return random.chance(0.2) ? [] : [[name, mutate(random, inner)]];
  });
  return Object.fromEntries(entries);
}
