const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** The id that the request came with, where it is one that can stand in a log; otherwise a new one. */
export function requestIdOf(request: Request, { uuid }: { uuid(): string }): string {
  const given = request.headers.get('x-request-id');
  return given !== null && REQUEST_ID.test(given) ? given : uuid();
}
