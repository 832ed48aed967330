import { OpenAPIHono } from '@hono/zod-openapi';
import type { Environment } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import { Authenticator, type Caller } from './access/caller.ts';
import { BodyDeadline } from './body-deadline.ts';
import { allowOrigin, answerPreflight } from './cross-origin.ts';
import { describeRoutes, documentOf } from './document.ts';
import { documentFiles } from './document-files.ts';
import { OPEN_ROUTES, type OpenRoute } from './open-routes.ts';
import { RefusedError, toProblem, toUsageError } from './problem.ts';
import { RateCounter, type RateLimitState, rateLimitHeaders, WINDOW_S } from './rate-limit.ts';
import { Readiness } from './readiness.ts';
import { remoteAddress } from './remote-address.ts';
import { requestIdOf } from './request-id.ts';
import { RESOURCES } from './resources.ts';
import type { Route, RouteContext } from './route.ts';
import type { ServedFile } from './served-file.ts';
import type { HttpService } from './service.ts';
import type { HttpSettings } from './settings.ts';
import { readUsagePage } from './usage-page.ts';

export interface HttpHandlerOptions {
  readonly service: HttpService;
  readonly store: Pick<Store, 'getApiKey' | 'getTokenRevocation' | 'touchApiKey'>;
  readonly environment: Environment;
  readonly settings: HttpSettings;
  readonly meters: ReadonlySet<string>;
  /** Told of what is answered with a 5xx. */
  readonly tell: (error: unknown) => void;
  /** Whether `usage` was closed: then nothing is asked of the database any more. */
  readonly isClosed: () => boolean;
}

export interface HttpHandler {
  /** Answers every request, and never rejects. */
  handle(request: Request): Promise<Response>;
  /** Resolves when nothing is being written any more that no request waits for. */
  drain(): Promise<void>;
}

interface Env {
  readonly Bindings: { readonly request_id: string };
}

const HEADERS: readonly (readonly [string, string])[] = [
  ['Cache-Control', 'no-store'],
  ['X-Content-Type-Options', 'nosniff'],
];

/** The HTTP API, as a fetch-standard handler. */
export function createHttpHandler(options: HttpHandlerOptions): HttpHandler {
  const { settings, environment, tell } = options;
  const { base_path } = settings;
  const guard = createGuard(options);
  const context: RouteContext = {
    service: options.service,
    environment,
    base_path,
    deadline: new BodyDeadline(environment.clock),
    readiness: new Readiness(options.service, environment.clock),
    allowed_origins: settings.allowed_origins,
    cloud_events: { rules: settings.cloud_events, meters: options.meters },
    tell,
  };
  const app = new OpenAPIHono<Env>();
  for (const route of RESOURCES) mount(route.definition, (request, id) => runRoute(route, request, id));
  for (const route of OPEN_ROUTES) mount(route.definition, (request) => runOpenRoute(route, request));
  // The registry knows nothing of what a handler is given.
  describeRoutes(app.openAPIRegistry, RESOURCES);
  const openapi = documentOf(app as unknown as OpenAPIHono, base_path);
  /** What is served besides the routes of the document. */
  const files = new Map([...documentFiles(openapi, base_path), ...usagePage()]);
  for (const [path, file] of files) mountFile(path, file);
  const methods = methodsByPath();
  app.notFound((c) => {
    const allowed = methods.get(c.req.path);
    if (!allowed) throw new UsageError('route_not_found');
    throw new RefusedError(new UsageError('method_not_allowed'), [['Allow', allowed]]);
  });
  app.onError((error, c) => problemResponse(error, c.env.request_id));

  function mount(
    { method, path }: { readonly method: string; readonly path: string },
    run: (request: Request, request_id: string) => Promise<Response>,
  ): void {
    app.on(method.toUpperCase(), base_path + path, (c) => run(c.req.raw, c.env.request_id));
  }

  function mountFile(path: string, { headers, body }: ServedFile): void {
    mount({ method: 'get', path }, async (request) => {
      guard.countAddress(request);
      return new Response(body, { headers });
    });
  }

  /** Where it is not built, everything else is served all the same. */
  function usagePage(): ReadonlyMap<string, ServedFile> {
    if (settings.usage_page === null) return new Map();
    try {
      return readUsagePage(settings.usage_page);
    } catch (error) {
      tell(error);
      return new Map();
    }
  }

  async function runRoute(route: Route, request: Request, request_id: string): Promise<Response> {
    const { caller, headers } = await guard.admit(request, route);
    const answer = await withHeaders(headers, async () => {
      refuseUnlessAllowed(caller, route);
      return await route.run({ caller, request, request_id }, context);
    });
    const init = { headers: headers.map(([name, value]): [string, string] => [name, value]) };
    return answer === undefined ? new Response(null, { status: 204, ...init }) : Response.json(answer, init);
  }

  async function runOpenRoute(route: OpenRoute, request: Request): Promise<Response> {
    if (route.definition.is_limited) guard.countAddress(request);
    return await route.run(request, context);
  }

  function problemResponse(error: unknown, request_id: string): Response {
    const refusal = toUsageError(error);
    const { status } = refusal;
    const response = new Response(JSON.stringify(toProblem(refusal, { request_id, base_path })), {
      status,
      headers: { 'Content-Type': 'application/problem+json' },
    });
    if (status === 401) response.headers.set('WWW-Authenticate', 'Bearer realm="tallybook"');
    if (error instanceof RefusedError) for (const header of error.headers) response.headers.set(...header);
    // What is put off is no failure, and anybody can bring it about.
    if (status >= 500 && refusal.code !== 'not_ready' && !response.headers.has('Retry-After')) {
      tell(refusal);
      environment.logger.error({ request_id, code: refusal.code, err: refusal }, 'A request failed');
    }
    return response;
  }

  function methodsByPath(): ReadonlyMap<string, string> {
    const routes = [...RESOURCES, ...OPEN_ROUTES].map(({ definition }) => definition);
    const served = [...files.keys()].map((path) => ({ method: 'get', path }));
    const byPath = Map.groupBy([...routes, ...served], ({ path }) => base_path + path);
    return new Map(
      [...byPath].map(([path, sharing]) => {
        const names = sharing.map(({ method }) => method.toUpperCase());
        return [path, [...names, ...(names.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')];
      }),
    );
  }

  async function respond(request: Request, request_id: string): Promise<Response> {
    if (request.method === 'OPTIONS') {
      const allowed = methods.get(new URL(request.url).pathname);
      if (allowed) return answerPreflight(request, allowed, settings.allowed_origins);
    }
    return await app.fetch(request, { request_id });
  }

  return {
    async handle(request) {
      const request_id = requestIdOf(request, environment);
      const response = await respond(request, request_id).catch((error: unknown) =>
        problemResponse(error, request_id),
      );
      response.headers.set('X-Request-Id', request_id);
      for (const [name, value] of HEADERS) {
        if (!response.headers.has(name)) response.headers.set(name, value);
      }
      allowOrigin(request, response, settings.allowed_origins);
      return response;
    },
    drain: () => guard.drain(),
  };
}

type Headers = readonly (readonly [string, string])[];

/** Who may pass, and how often. */
function createGuard({ store, environment, settings, isClosed }: HttpHandlerOptions) {
  const { per_key, per_ip, stripe } = settings.rate_limits;
  const authenticator = new Authenticator({ store, environment, token_secret: settings.token_secret });
  const keys = per_key === null ? null : new RateCounter('key', per_key, environment.clock);
  const addresses = per_ip === null ? null : new RateCounter('ip', per_ip, environment.clock);
  const asking = stripe === null ? null : new RateCounter('stripe', stripe, environment.clock);

  function countAddress(request: Request): RateLimitState[] {
    const address = addresses && remoteAddress(request, settings.client_ip_header);
    return limited([addresses && address !== null ? addresses.count(address) : null]);
  }

  return {
    countAddress,
    drain: () => authenticator.drain(),

    /** By address before by key: whoever guesses keys is slowed down as well. */
    async admit(request: Request, { definition }: Route): Promise<{ caller: Caller; headers: Headers }> {
      if (isClosed()) throw new UsageError('closed');
      const byAddress = countAddress(request);
      const caller = await authenticator.authenticate(request.headers.get('authorization'));
      const asksStripe = definition.asks_stripe === true && caller.kind === 'token';
      const states = limited([
        ...byAddress,
        keys?.count(`${caller.kind} ${caller.id}`) ?? null,
        asksStripe ? (asking?.count(caller.id) ?? null) : null,
      ]);
      return { caller, headers: rateLimitHeaders(states) };
    },
  };
}

/** @throws RefusedError when one of the limits is exceeded. */
function limited(counted: readonly (RateLimitState | null)[]): RateLimitState[] {
  const states = counted.filter((state) => state !== null);
  if (!states.some(({ is_exceeded }) => is_exceeded)) return states;
  const headers = [...rateLimitHeaders(states), ['Retry-After', String(WINDOW_S)]] as const;
  throw new RefusedError(new UsageError('rate_limited'), headers);
}

function refuseUnlessAllowed({ kind, scopes, account }: Caller, { definition }: Route): void {
  const { scope, browser_token, account: concerns } = definition.access;
  const hasScope = scopes.includes('admin') || scopes.includes(scope);
  if (kind === 'token' && !browser_token) {
    throw forbidden(`Browser tokens may not do this: it takes a key with the scope \`${scope}\`.`);
  }
  if (!hasScope) throw forbidden(`The key has not the scope \`${scope}\`.`);
  if (account !== null && concerns === 'all') {
    throw forbidden('The key is restricted to an account, and this concerns all of them.');
  }
}

function forbidden(reason: string): UsageError {
  return new UsageError('forbidden', { reason });
}

/** Also what is refused later tells how many requests are left. */
async function withHeaders<Result>(headers: Headers, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    throw new RefusedError(toUsageError(error), headers);
  }
}
