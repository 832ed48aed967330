import { z } from '@hono/zod-openapi';
import type { Scope } from '../core/access.ts';
import type { Environment } from '../core/environment.ts';
import { UsageError, type UsageErrorCode } from '../core/errors.ts';
import type { Caller } from './access/caller.ts';
import type { BodyDeadline } from './body-deadline.ts';
import type { CloudEventMapping } from './cloud-events.ts';
import { readIdempotencyKey, withIdempotencyKey } from './idempotency-key.ts';
import { parseInput } from './input.ts';
import type { Readiness } from './readiness.ts';
import type { HttpService } from './service.ts';
import { readJson } from './strict-json.ts';

/** Who may call a route, and of which account. */
export interface RouteAccess {
  readonly scope: Scope;
  /** Whether a browser token may, which reads one account. */
  readonly browser_token: boolean;
  /**
   * `one`: it is about the account that the parameter `account` names. `filter`: it lists, of the account where it is
   * named. `each`: its items name theirs. `none`: it is about no account. `all`: it is about the whole installation, and
   * whoever is restricted to an account is refused.
   */
  readonly account: 'one' | 'filter' | 'each' | 'none' | 'all';
}

/** What every route has at hand. */
export interface RouteContext {
  readonly service: HttpService;
  readonly environment: Pick<Environment, 'clock' | 'digest'>;
  /** What stands before every path; empty = nothing. */
  readonly base_path: string;
  readonly cloud_events: CloudEventMapping;
  /** Origins of the app's own pages. */
  readonly allowed_origins: ReadonlySet<string>;
  /** Of bodies. */
  readonly deadline: BodyDeadline;
  readonly readiness: Readiness;
  /** Told of what failed here while the request was answered all the same. */
  readonly tell: (error: unknown) => void;
}

/** What a route is called with. */
export interface RouteInput<Query, Body> {
  readonly query: Query;
  readonly body: Body;
  readonly caller: Caller;
  readonly request: Request;
  readonly request_id: string;
}

export interface RouteDefinition<Query extends z.ZodType, Body extends z.ZodType, Answer extends z.ZodType> {
  readonly method: 'get' | 'post' | 'put';
  /** Below the base path. */
  readonly path: string;
  readonly operation_id: string;
  readonly summary: string;
  readonly description?: string;
  readonly access: RouteAccess;
  /** Whether each request costs some of Stripe's own limit: a browser may then ask less often. */
  readonly asks_stripe?: true;
  readonly query?: Query;
  /** With a field `idempotency_key`, the route takes the header as well; without one, it refuses it. */
  readonly body?: {
    readonly schema: Body;
    /** What the document shows. Default: the schema. */
    readonly documented?: z.ZodType;
    /** Default: `application/json`. */
    readonly media_types?: readonly string[];
  };
  /** Of the answer 200; without one it is 204. */
  readonly answer?: Answer;
  /** Errors beyond those that every route has. */
  readonly errors: readonly UsageErrorCode[];
  readonly handle: (
    input: RouteInput<z.output<Query>, z.output<Body>>,
    context: RouteContext,
  ) => Promise<z.input<Answer>>;
}

/** A route as the registry holds it. */
export interface Route {
  readonly definition: Omit<RouteDefinition<z.ZodType, z.ZodType, z.ZodType>, 'handle'>;
  /** Reads what was sent, looks after whose account it is about, and answers. */
  readonly run: (call: RouteCall, context: RouteContext) => Promise<unknown>;
}

export type RouteCall = Omit<RouteInput<unknown, unknown>, 'query' | 'body'>;

const JSON_TYPE = ['application/json'];
const nothing = z.undefined();

export function defineRoute<
  Query extends z.ZodType = typeof nothing,
  Body extends z.ZodType = typeof nothing,
  Answer extends z.ZodType = typeof nothing,
>(definition: RouteDefinition<Query, Body, Answer>): Route {
  const { access, handle, ...documented } = definition;
  return {
    definition: { access, ...documented },
    async run(call, context) {
      const { request, caller } = call;
      const sent = Object.fromEntries(readQuery(request));
      if (!definition.query && Object.keys(sent).length > 0) refuseUnknown(Object.keys(sent));
      const key = readIdempotencyKey(request, definition);
      const named = definition.body
        ? withIdempotencyKey(
            await readJson(request, definition.body.media_types ?? JSON_TYPE, context.deadline),
            key,
          )
        : undefined;
      const query =
        definition.query && parseInput(definition.query, restricted(sent, definition, caller, 'query'));
      const body =
        definition.body && parseInput(definition.body.schema, restricted(named, definition, caller, 'body'));
      refuseForeign(definition.body ? body : query, access, caller);
      // A schema that is not defined is that of undefined.
      const input = { ...call, query, body } as RouteInput<z.output<Query>, z.output<Body>>;
      return await handle(input, context);
    },
  };
}

/** A parameter that is there twice has no one value. */
function readQuery(request: Request): Map<string, string> {
  const query = new Map<string, string>();
  const at = request.url.indexOf('?');
  if (at === -1) return query;
  const text = request.url.slice(at);
  if (!isDecodable(text)) {
    throw new UsageError('invalid_parameter', {
      field: 'query',
      reason: 'It is not UTF-8 that is percent-encoded.',
    });
  }
  for (const [name, value] of new URLSearchParams(text)) {
    if (query.has(name)) {
      throw new UsageError('invalid_parameter', { field: name, reason: 'It is there twice.' });
    }
    query.set(name, value);
  }
  return query;
}

/** Where it is not, `URLSearchParams` puts something else in place, and many ids would be one. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function refuseUnknown([field = '']: readonly string[]): never {
  throw new UsageError('invalid_parameter', { field, reason: 'The route takes no such parameter.' });
}

/** Who is restricted to an account need not name it. */
function restricted(
  sent: unknown,
  { access, body }: Pick<RouteDefinition<z.ZodType, z.ZodType, z.ZodType>, 'access' | 'body'>,
  { account }: Caller,
  place: 'query' | 'body',
): unknown {
  const isHere = place === (body ? 'body' : 'query');
  if (!isHere || account === null || (access.account !== 'one' && access.account !== 'filter')) return sent;
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent) || Object.hasOwn(sent, 'account')) {
    return sent;
  }
  return { ...sent, account };
}

/** Another account than the caller's own is, for the caller, not there. */
function refuseForeign(input: unknown, access: RouteAccess, caller: Caller): void {
  if (access.account !== 'one' && access.account !== 'filter') return;
  const named = typeof input === 'object' && input !== null && 'account' in input ? input.account : undefined;
  if (caller.account !== null && named !== caller.account) throw unknownAccount(named);
}

/** What somebody is told who asks for an account that is not there, or not theirs. */
export function unknownAccount(account: unknown): UsageError {
  return new UsageError('account_not_found', { field: 'account', value: account });
}
