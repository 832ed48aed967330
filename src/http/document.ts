import type { OpenAPIHono } from '@hono/zod-openapi';
import { ERRORS, type UsageErrorCode } from '../core/errors.ts';
import { OPEN_ROUTES, type OpenRoute } from './open-routes.ts';
import type { Route } from './route.ts';
import { problem } from './wire/common.ts';

type Registry = OpenAPIHono['openAPIRegistry'];

/** The document's own version: that of the routes, not of the package. */
const API_VERSION = '1.0.0';
const EVERYWHERE: readonly UsageErrorCode[] = [
  'rate_limited',
  'internal_error',
  'storage_failed',
  'storage_busy',
  'closed',
];
const WITH_KEY: readonly UsageErrorCode[] = ['invalid_parameter', 'unauthenticated', 'forbidden'];
const CHANGING: readonly UsageErrorCode[] = ['invalid_idempotency_key'];
const WITH_BODY: readonly UsageErrorCode[] = [
  'invalid_json',
  'unsupported_media_type',
  'body_too_large',
  'request_timeout',
];

/** Tells the registry of every route, so that the document is made of what is served. */
export function describeRoutes(registry: Registry, routes: readonly Route[]): void {
  registry.registerComponent('securitySchemes', 'api_key', {
    type: 'http',
    scheme: 'bearer',
    description: 'A key of `tallybook keys create`. The roles that a route names are its scopes.',
  });
  registry.registerComponent('securitySchemes', 'browser_token', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A token of `usage.tokens.create` or POST /v1/tokens: read only, one account, 15 minutes.',
  });
  registry.register('Problem', problem);
  for (const route of OPEN_ROUTES) describeOpenRoute(registry, route);
  for (const route of routes) describeRoute(registry, route);
}

/** OpenAPI 3.1. */
export function documentOf(app: OpenAPIHono, base_path: string): object {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Tallybook',
      version: API_VERSION,
      description: 'Usage billing: record usage, read it, and what it costs.',
    },
    // Without a base path a mount may have taken one off: relative to where the document is read.
    servers: [{ url: base_path === '' ? './' : base_path }],
  });
}

function describeRoute(registry: Registry, { definition }: Route): void {
  const { method, path, access, query, body, answer, errors, operation_id, summary, description } =
    definition;
  const media_types = body?.media_types ?? ['application/json'];
  registry.registerPath({
    method,
    path,
    operationId: operation_id,
    summary,
    ...(description === undefined ? {} : { description }),
    security: [{ api_key: [access.scope] }, ...(access.browser_token ? [{ browser_token: [] }] : [])],
    // What the tests of every route, role and account are made from.
    'x-tallybook-access': { ...access },
    request: {
      // A query is declared as an object of its parameters.
      ...(query ? { query: query as never } : {}),
      ...(body
        ? {
            body: {
              required: true,
              content: Object.fromEntries(
                media_types.map((type) => [type, { schema: body.documented ?? body.schema }]),
              ),
            },
          }
        : {}),
    },
    responses: {
      ...(answer
        ? { 200: { description: 'Done', content: { 'application/json': { schema: answer } } } }
        : { 204: { description: 'Done' } }),
      ...problemResponses([
        ...WITH_KEY,
        ...(access.scope === 'read' ? [] : CHANGING),
        ...(body ? WITH_BODY : []),
        ...errors,
        ...EVERYWHERE,
      ]),
    },
  });
}

function describeOpenRoute(registry: Registry, route: OpenRoute): void {
  const { method, path, operation_id, summary, description, request, answer, errors } = route.definition;
  registry.registerPath({
    method,
    path,
    operationId: operation_id,
    summary,
    ...(description === undefined ? {} : { description }),
    security: [],
    ...(request ? { request } : {}),
    responses: { 200: { description: 'Done', content: answer }, ...problemResponses(errors) },
  });
}

/** One response per status, which names its codes. */
function problemResponses(codes: readonly UsageErrorCode[]) {
  const byStatus = Map.groupBy(new Set(codes), (code) => ERRORS[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, sharing]) => [
      status,
      {
        description: sharing.map((code) => `\`${code}\`: ${ERRORS[code].meaning}`).join('\n\n'),
        content: { 'application/problem+json': { schema: problem } },
      },
    ]),
  );
}
