import type { Random } from '../../simulation/random.ts';
import type { ApiDocument, DocumentedOperation } from '../operations.ts';
import { drawValue, HOSTILE, mutate } from './draw-value.ts';

export interface DrawnRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  /** null = none. */
  readonly body: string | Uint8Array<ArrayBuffer> | null;
  /** null = no route is meant. */
  readonly operation: DocumentedOperation | null;
}

export type Credentials = readonly [string, ...string[]];

/** A request to one of the documented routes: as documented, with a part changed, or hostile. */
export function drawRequest(random: Random, document: ApiDocument, credentials: Credentials): DrawnRequest {
  const [first, ...others] = document.operations;
  if (!first) throw new Error('The document has no routes.');
  const operation = random.pick([first, ...others]);
  const kind = random.pick(['valid', 'valid', 'mutated', 'mutated', 'hostile'] as const);
  const isChanged = kind !== 'valid';
  const headers: [string, string][] = [];
  if (random.chance(isChanged ? 0.9 : 1))
    headers.push(['authorization', `Bearer ${random.pick(credentials)}`]);
  const target = operation.path + drawQuery(random, operation, document, isChanged);
  if (operation.body.size === 0 || kind === 'hostile') {
    if (kind === 'hostile')
      return drawHostile(random, document, { method: operation.method, target, headers, operation });
    return { method: operation.method, target, headers, body: null, operation };
  }
  const [type = 'application/json', schema] = random.pick([...operation.body] as [[string, unknown]]);
  headers.push(['content-type', type]);
  if (random.chance(0.1)) headers.push(['idempotency-key', String(random.pick(['k1', '"k2"', 'x y', '']))]);
  const value = drawValue(random, schema, document.components);
  const body = JSON.stringify(isChanged ? mutate(random, value) : value) ?? '';
  return { method: operation.method, target, headers, body, operation };
}

function drawQuery(
  random: Random,
  { query }: DocumentedOperation,
  { components }: ApiDocument,
  isChanged: boolean,
): string {
  const parameters = new URLSearchParams();
  for (const { name, required, schema } of query) {
    if (!required && random.chance(0.4)) continue;
    const value = drawValue(random, schema, components, name);
    parameters.append(name, textOf(isChanged && random.chance(0.3) ? random.pick(HOSTILE) : value));
    if (isChanged && random.chance(0.05)) parameters.append(name, 'twice');
  }
  if (isChanged && random.chance(0.05)) parameters.append('__proto__', '1');
  return parameters.size === 0 ? '' : `?${parameters}`;
}

function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.toWellFormed();
}

type Envelope = Omit<DrawnRequest, 'body' | 'headers'> & { readonly headers: [string, string][] };

/** What no client would send that means well. */
function drawHostile(random: Random, document: ApiDocument, drawn: Envelope): DrawnRequest {
  const method = random.pick([drawn.method, 'GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD']);
  const paths: readonly [string, ...string[]] = [
    drawn.target,
    `${drawn.target}/`,
    '/',
    '//',
    '/%',
    '/%ff',
    '/v1/__proto__',
    '/constructor',
    '/v1/usage;a=b',
    '/v1/usage%00',
    `/${'x'.repeat(5_000)}`,
    `${drawn.target.split('?')[0]}?%=%&&=&a=%ff`,
    '/reference',
    '/reference.css',
    '/usage',
    '/usage/',
    '/usage/assets/../index.html',
    '/openapi.json',
  ];
  const target = random.chance(0.6) ? drawn.target : random.pick(paths);
  const headers: [string, string][] = [...drawn.headers];
  headers.push([
    'content-type',
    random.pick([
      'application/json',
      'text/xml',
      '',
      'application/json; charset=latin1',
      'application/cloudevents+json',
      ';;;',
      'a/b',
    ]),
  ]);
  if (random.chance(0.1)) headers.push(['content-encoding', random.pick(['gzip', 'identity', 'br'])]);
  if (random.chance(0.1))
    headers.push([
      'authorization',
      random.pick(['Bearer', 'Bearer  ', 'Basic x', 'Bearer a.b.c', 'Bearer eyJhbGciOiJub25lIn0.e30.']),
    ]);
  if (random.chance(0.1)) headers.push(['x-request-id', random.pick(['ok-1', '<script>', 'x'.repeat(500)])]);
  if (random.chance(0.1))
    headers.push(['origin', random.pick(['null', 'https://evil.example', 'https://app.example.com'])]);
  if (random.chance(0.1)) headers.push(['ce-specversion', '1.0'], ['ce-id', '%'], ['ce-type', 'credits']);
  return {
    method,
    target,
    headers,
    body: hasBody(method) ? drawBody(random) : null,
    // Another method may be another route.
    operation:
      document.operations.find((other) => other.method === method && other.path === pathOf(target)) ?? null,
  };
}

function pathOf(target: string): string {
  return target.split('?')[0] ?? target;
}

function hasBody(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

function drawBody(random: Random): string | Uint8Array<ArrayBuffer> | null {
  const depth = random.integer(1, 20_000);
  return random.pick<string | Uint8Array<ArrayBuffer> | null>([
    null,
    '',
    '{',
    '[]',
    'null',
    '"',
    '{"a":1,"a":2}',
    '{"__proto__":{"admin":true}}',
    '['.repeat(depth),
    '{"a":'.repeat(depth),
    '\ufeff{}',
    '{"account":"own"}\u0000',
    `"${'\\'.repeat(depth)}`,
    'x'.repeat(1_100_000),
    '{"increments":[{},[],null,1,"a"]}',
    `{"increments":[${Array.from({ length: 1_001 }, () => '{}').join()}]}`,
    '<a/>',
    '1e999',
    '{"quantity":1e999}',
    Uint8Array.from({ length: 50 }, () => random.integer(0, 255)),
    Uint8Array.from([0xff, 0xfe, 0x7b, 0x7d]),
  ]);
}
