import { OpenAPIHono } from '@hono/zod-openapi';
import { describeRoutes, documentOf } from '../../src/http/document.ts';
import { RESOURCES } from '../../src/http/resources.ts';

/** What the document says of one route. */
export interface DocumentedOperation {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  /** Absent: the route needs no key. */
  readonly access?: {
    readonly scope: 'read' | 'write' | 'admin';
    readonly browser_token: boolean;
    readonly account: 'one' | 'filter' | 'each' | 'none' | 'all';
  };
  /** Where a request names an account, by its schemas alone: itself, or each of its items; null = nowhere. */
  readonly names_account: 'itself' | 'each' | null;
  readonly query: readonly { readonly name: string; readonly required: boolean; readonly schema: Schema }[];
  /** Media type → schema. */
  readonly body: ReadonlyMap<string, Schema>;
  /** Status → media type → schema; null = nothing is answered but the status. */
  readonly answers: ReadonlyMap<number, ReadonlyMap<string, Schema> | null>;
}

// biome-ignore lint/suspicious/noExplicitAny: a JSON Schema, of any shape.
export type Schema = any;

export interface ApiDocument {
  readonly operations: readonly DocumentedOperation[];
  readonly components: Schema;
}

/** The routes as they are documented, outside of a test as well. */
export async function readRoutes(): Promise<readonly DocumentedOperation[]> {
  const app = new OpenAPIHono();
  describeRoutes(app.openAPIRegistry, RESOURCES);
  const json = JSON.parse(JSON.stringify(documentOf(app, '')));
  return (await readDocument({ get: async () => ({ json }) })).operations;
}

/** The routes as the served document has them. */
export async function readDocument(served: {
  readonly get: (path: string) => Promise<{ readonly json: Schema }>;
}): Promise<ApiDocument> {
  const { json } = await served.get('/openapi.json');
  const operations = Object.entries<Schema>(json.paths).flatMap(([path, methods]) =>
    Object.entries<Schema>(methods).map(
      ([method, operation]): DocumentedOperation => ({
        method: method.toUpperCase(),
        path,
        operationId: operation.operationId,
        access: operation['x-tallybook-access'],
        query: (operation.parameters ?? []).filter((parameter: Schema) => parameter.in === 'query'),
        names_account: whereAccountIsNamed(operation, json.components),
        body: schemasOf(operation.requestBody?.content),
        answers: new Map(
          Object.entries<Schema>(operation.responses).map(([status, answer]) => [
            Number(status),
            answer.content ? schemasOf(answer.content) : null,
          ]),
        ),
      }),
    ),
  );
  return { operations, components: json.components };
}

function schemasOf(content: Schema): ReadonlyMap<string, Schema> {
  return new Map(Object.entries<Schema>(content ?? {}).map(([type, { schema }]) => [type, schema]));
}

function whereAccountIsNamed(
  { parameters = [], requestBody }: Schema,
  { schemas }: Schema,
): DocumentedOperation['names_account'] {
  const bodies = [...schemasOf(requestBody?.content).values()].map(inlined);
  const names = [...parameters, ...bodies].flatMap(({ name, properties = {} }) => [
    name,
    ...Object.keys(properties),
  ]);
  if (names.includes('account')) return 'itself';
  // That of a CloudEvent is its subject.
  return /"(?:account|subject)":/.test(JSON.stringify(bodies)) ? 'each' : null;

  function inlined(schema: Schema): Schema {
    const named = ($ref: string) => schemas[$ref.slice($ref.lastIndexOf('/') + 1)];
    return JSON.parse(JSON.stringify(schema, (_, part) => (part?.$ref ? named(part.$ref) : part)));
  }
}

/** Where the app's pages are. */
export const APP = 'https://app.example.com';

/** Something that every route takes, so that what is refused is refused for who asks. */
const SAMPLES: Readonly<
  Record<string, { readonly query?: string; readonly body?: Schema; readonly type?: string }>
> = {
  recordUsage: { body: { quantity: 1 } },
  recordUsageBatch: { body: { increments: [{ quantity: 1 }] } },
  recordEvents: { body: { specversion: '1.0', id: '1', source: 's', type: 'credits' } },
  ingestEvents: { body: { specversion: '1.0', id: '2', source: 's', type: 'credits' } },
  getUsageWindows: { query: 'window=day' },
  explainReport: { query: 'report=1' },
  explainInvoice: { query: 'invoice=in_1' },
  createSubscription: { body: { plan: 'business' } },
  syncAccount: { body: {} },
  billUnflushed: { body: { period_start: '2026-01-10', amount: 1, reason: 'why' } },
  retryWebhook: { body: { event: 'evt_1' } },
  setAccount: { body: { plan: 'pro' } },
  createToken: { body: {} },
  revokeTokens: { body: {} },
  retryReport: { body: { report: 1, reason: 'why' } },
  resolveReport: { body: { report: 1, reason: 'why', as: 'counted' } },
  previewPlan: { body: { plan: 'business' } },
  changePlan: { body: { plan: 'business' } },
  openCheckout: { body: { plan: 'business', success_url: `${APP}/done`, cancel_url: `${APP}/` } },
  openPortal: { body: { return_url: APP } },
  cancelSubscription: { body: { when: 'now' } },
  resumeSubscription: { body: {} },
  pauseSubscription: { body: {} },
  setSeats: { body: { seats: 5, expected: 3 } },
  addSeats: { body: { seats: -1 } },
  receiveStripeEvent: { body: {} },
  adjustUsage: { body: { quantity: -1, reason: 'why' } },
};

/** A request that a route takes, which names an account wherever its schemas have one. */
export function sampleOf(operation: DocumentedOperation, account: string | null) {
  const { operationId, names_account, body, method, path } = operation;
  const sample = SAMPLES[operationId] ?? {};
  const isAbout = account !== null && names_account !== null;
  const query = new URLSearchParams(sample.query);
  if (isAbout && body.size === 0) query.set('account', account);
  const text = query.size === 0 ? '' : `?${query}`;
  if (body.size === 0) return { method, path: path + text, body: undefined };
  if (sample.body === undefined)
    throw new Error(`The route ${operationId} is new: say in SAMPLES what it takes.`);
  return { method, path, body: isAbout ? withAccount(sample.body, account) : sample.body };
}

function withAccount(body: Schema, account: string): Schema {
  if ('increments' in body) {
    return { increments: body.increments.map((item: Schema) => ({ ...item, account })) };
  }
  return 'specversion' in body ? { ...body, subject: account } : { ...body, account };
}
