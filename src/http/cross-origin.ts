const ALLOWED_HEADERS = 'Authorization, Content-Type, Idempotency-Key, X-Request-Id';
const EXPOSED_HEADERS = 'RateLimit, RateLimit-Policy, Retry-After, X-Request-Id';
const MAX_AGE_S = '600';

/** Lets pages of the allowed origins read an answer; pages of others get it without leave. */
export function allowOrigin(request: Request, response: Response, origins: ReadonlySet<string>): void {
  if (origins.size === 0) return;
  response.headers.append('Vary', 'Origin');
  const origin = request.headers.get('origin');
  if (origin === null || !origins.has(origin)) return;
  response.headers.set('Access-Control-Allow-Origin', origin);
  response.headers.set('Access-Control-Expose-Headers', EXPOSED_HEADERS);
}

/** What a browser asks before it sends a request with a header of its own. */
export function answerPreflight(request: Request, allowed: string, origins: ReadonlySet<string>): Response {
  const response = new Response(null, { status: 204, headers: { Allow: allowed } });
  const origin = request.headers.get('origin');
  if (origin !== null && origins.has(origin)) {
    response.headers.set('Access-Control-Allow-Methods', allowed);
    response.headers.set('Access-Control-Allow-Headers', ALLOWED_HEADERS);
    response.headers.set('Access-Control-Max-Age', MAX_AGE_S);
  }
  return response;
}
