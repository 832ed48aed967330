import type { Clock } from '../../core/environment.ts';
import type { Answer } from './answer.ts';
import { ConnectionLost, type HangingRequests } from './connection.ts';
import type { Exchange } from './exchange.ts';
import { expandAnswer, refuseDeepPaths, splitExpand } from './expand.ts';
import type { Fault, Faults } from './faults.ts';
import { type FormObject, parseForm } from './form.ts';
import { parseJsonBody } from './json-body.ts';
import { type RateLimits, rateLimited } from './rate-limits.ts';
import type { Route } from './route.ts';
import { fingerprintOf, keyInUse, saveAnswer, savedAnswer } from './saved-answers.ts';
import { execute, settle } from './settle.ts';
import type { Simulation } from './simulation.ts';
import { StripeError } from './stripe-error.ts';

/** What answering needs besides the request. */
export interface RequestHandlerParts {
  readonly simulation: Simulation;
  readonly routes: ReadonlyMap<string, Route>;
  readonly faults: Faults;
  readonly hanging: HangingRequests;
  readonly limits: RateLimits;
  readonly clock: Pick<Clock, 'now'>;
  /** Makes the state durable. */
  save(): void;
  record(exchange: Exchange): void;
}

/** What is read of a request: one of fetch's, or one that never left this process. */
export interface PlainRequest {
  readonly method: string;
  /** With the query. */
  readonly url: string;
  readonly headers: { get(name: string): string | null };
}

/** A text: something that is no JSON. null: the connection breaks or hangs. */
export interface PlainAnswer {
  readonly answer: Answer | string | null;
  readonly request_id: string;
}

/** A request on its way through the simulator. */
interface Arrival {
  readonly method: string;
  readonly path: string;
  readonly params: FormObject;
  readonly path_id: string;
  readonly route: Route | null;
  readonly idempotency_key: string | null;
  readonly fingerprint: string;
}

/** null in place of an answer: the connection breaks or hangs. A text: something that is no JSON. */
interface Outcome {
  readonly answer: Answer | string | null;
  readonly fault: Fault | null;
}

/**
 * Answers requests one after the other: once the body is read nothing is awaited until the effect is durable, so
 * that no two requests ever see each other half done.
 *
 * @returns functions that answer a request to a route, or to none of them (null).
 */
export function createRequestHandler(parts: RequestHandlerParts) {
  let count = 0;
  const nextRequestId = () => {
    count += 1;
    return `req_${String(count).padStart(8, '0')}`;
  };
  const answerAtOnce = (
    request: PlainRequest,
    body: string,
    route: Route | null,
    path_id: string,
  ): PlainAnswer => {
    const request_id = nextRequestId();
    return { answer: handle(parts, request, body, route, path_id).answer, request_id };
  };
  const respond = async (request: Request, route: Route | null, path_id: string): Promise<Response> => {
    const body = request.method === 'GET' ? '' : await request.text();
    const date = new Date(parts.clock.now()).toUTCString();
    const headers = { Date: date, 'Request-Id': nextRequestId(), ...echoed(request) };
    const { answer, fault } = handle(parts, request, body, route, path_id);
    if (answer === null && fault?.kind === 'hang') return parts.hanging.wait(request.signal);
    if (answer === null) throw new ConnectionLost();
    if (typeof answer === 'string') {
      return new Response(answer, { status: 200, headers: { 'Content-Type': 'text/html', ...headers } });
    }
    const json = { 'Content-Type': 'application/json', ...headers, ...answer.headers };
    return new Response(JSON.stringify(answer.body), { status: answer.status, headers: json });
  };
  return { answerAtOnce, respond };
}

/** Headers that Stripe repeats in its answer. */
function echoed({ headers }: Request): Record<string, string> {
  const names = ['Idempotency-Key', 'Stripe-Version'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
}

function handle(
  parts: RequestHandlerParts,
  request: PlainRequest,
  body: string,
  route: Route | null,
  path_id: string,
): Outcome {
  const { simulation, routes, clock } = parts;
  const { pathname: path, search } = new URL(request.url);
  const { method } = request;
  const idempotency_key = method === 'POST' ? request.headers.get('Idempotency-Key') : null;
  const at_ms = clock.now();
  settle(simulation, routes, at_ms);
  let params: FormObject = {};
  let outcome: Outcome;
  try {
    params =
      method === 'POST' && path.startsWith('/v2/')
        ? parseJsonBody(body)
        : parseForm(method === 'POST' ? body : [search.slice(1), body].filter(Boolean).join('&'));
    refuseUnauthorized(request.headers.get('Authorization'));
    parts.limits.admit(route ?? { method: 'GET', path: '*' }, at_ms);
    const fingerprint = fingerprintOf(method, path, params);
    outcome = outcomeOf(parts, { method, path, params, path_id, route, idempotency_key, fingerprint });
  } catch (error) {
    if (!(error instanceof StripeError)) throw error;
    outcome = { answer: answerOf(error), fault: null };
  }
  parts.save();
  const { answer, fault } = outcome;
  const json = typeof answer === 'string' ? null : answer;
  parts.record({
    method,
    path,
    params,
    idempotency_key,
    status: typeof answer === 'string' ? 200 : (answer?.status ?? null),
    body: json?.body ?? null,
    fault: fault?.kind ?? null,
    replayed: json?.headers['Idempotent-Replayed'] === 'true',
    at_ms,
  });
  return outcome;
}

function outcomeOf(parts: RequestHandlerParts, arrival: Arrival): Outcome {
  const { simulation, faults } = parts;
  const { idempotency_key: key, fingerprint } = arrival;
  const replay = key === null ? null : savedAnswer(simulation, key, fingerprint);
  const fault = faults.take(arrival.method, arrival.path, replay !== null);
  const run = () => replay ?? runAndSave(simulation, arrival, fault);
  const fail = () => {
    const answer = answerOf(serverError());
    if (key !== null) saveAnswer(simulation, key, fingerprint, answer);
    return answer;
  };
  switch (fault?.kind) {
    case '429':
      return {
        answer: answerOf(rateLimited({ retry_after_s: fault.retry_after_s, reason: fault.reason })),
        fault,
      };
    case '409':
      return { answer: answerOf(keyInUse(key ?? 'none')), fault };
    case '403':
      return { answer: answerOf(lacksPermission()), fault };
    case '500_before':
      return { answer: fail(), fault };
    case '500_after':
      run();
      return { answer: fail(), fault };
    case 'reset':
    case 'hang':
      delay(simulation, arrival, fault);
      return { answer: null, fault };
    case 'reset_after':
      run();
      return { answer: null, fault };
    case 'html_200':
      return { answer: '<!doctype html><title>Welcome</title><p>Please sign in to this network.</p>', fault };
    case 'empty_200':
      return { answer: '', fault };
    case 'other_200':
      return { answer: otherAnswer(simulation), fault };
    default:
      return { answer: run(), fault };
  }
}

/** To somebody else's meter event. */
function otherAnswer({ now_ms }: Simulation): Answer {
  const second = Math.floor(now_ms / 1_000);
  const payload = { stripe_customer_id: 'cus_of_somebody_else', value: '1' };
  const event = { event_name: 'other', identifier: 'other', payload, timestamp: second };
  const body = { object: 'billing.meter_event', created: second, livemode: false, ...event };
  return { status: 200, headers: {}, body };
}

function runAndSave(simulation: Simulation, arrival: Arrival, fault: Fault | null): Answer {
  const { route, idempotency_key, path_id } = arrival;
  if (!route) throw unknownUrl(arrival);
  const { paths, params } = splitExpand(arrival.params);
  refuseDeepPaths(paths);
  const forced_rejection =
    fault?.kind === 'reject_async' ? (fault.code ?? 'meter_event_customer_not_found') : null;
  const answer = execute(simulation, route, { id: path_id, params, idempotency_key, forced_rejection });
  const expanded =
    answer.status === 200 ? { ...answer, body: expandAnswer(simulation, answer.body, paths) } : answer;
  if (idempotency_key !== null) saveAnswer(simulation, idempotency_key, arrival.fingerprint, expanded);
  return expanded;
}

/** The client gives up, but the request is still somewhere on its way. */
function delay(simulation: Simulation, arrival: Arrival, { effect_after_ms }: Fault): void {
  if (effect_after_ms === undefined || !arrival.route) return;
  const { method, path } = arrival.route;
  const { path_id, idempotency_key, fingerprint } = arrival;
  const request = simulation.state.delayedRequests.put({
    id: simulation.newId('delayed'),
    at_ms: simulation.now_ms + effect_after_ms,
    route: `${method} ${path}`,
    path_id,
    params: splitExpand(arrival.params).params,
    idempotency_key,
    fingerprint,
  });
  simulation.agenda.push({ at: request.at_ms, kind: 'delayed_request', id: request.id });
}

function refuseUnauthorized(authorization: string | null): void {
  const key = authorization?.replace(/^Bearer /, '') ?? '';
  if (/^(sk|rk)_test_\w+$/.test(key)) return;
  const message =
    key === ''
      ? "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
      : 'Invalid API Key provided. The simulator takes any key that begins with sk_test_ or rk_test_.';
  throw new StripeError(message, { status: 401 });
}

function unknownUrl({ method, path }: Arrival): StripeError {
  return new StripeError(
    `Unrecognized request URL (${method}: ${path}), or one that the simulator does not serve. If you are trying to list objects, remove the trailing slash.`,
    { status: 404 },
  );
}

function lacksPermission(): StripeError {
  return new StripeError('The provided key does not have the required permissions for this endpoint.', {
    status: 403,
  });
}

function serverError(): StripeError {
  return new StripeError('An unknown error occurred', { status: 500, type: 'api_error' });
}

function answerOf({ status, body, headers }: StripeError): Answer {
  return { status, body, headers };
}
