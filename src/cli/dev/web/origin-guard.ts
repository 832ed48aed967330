import type { MiddlewareHandler } from 'hono';
import { HttpError } from './http-error.ts';

/** Pages that a link elsewhere may open. */
const PAGES = new Set(['/', '/gallery', '/operator']);
const LOCAL_NAMES = ['127.0.0.1', 'localhost', '[::1]'];
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

/**
 * Lets requests through that are meant for this machine: another site's page in the same browser can reach the port
 * too, under a name that it makes point here (DNS rebinding) or blindly (cross-site request forgery).
 */
export const originGuard: MiddlewareHandler = async (context, next) => {
  const { host, origin, fetchSite } = {
    host: context.req.header('host') ?? '',
    origin: context.req.header('origin'),
    fetchSite: context.req.header('sec-fetch-site'),
  };
  if (!isLocal(host)) {
    throw new HttpError(
      403,
      'forbidden_host',
      'The Host header does not name this machine.',
      'Use 127.0.0.1.',
    );
  }
  const isNavigation = context.req.method === 'GET' && PAGES.has(context.req.path);
  const isForeign = fetchSite === 'cross-site' || fetchSite === 'same-site';
  if ((origin !== undefined && origin !== `http://${host}`) || (isForeign && !isNavigation)) {
    throw new HttpError(
      403,
      'forbidden_origin',
      'The request comes from a page of another site.',
      'Use the page.',
    );
  }
  await next();
  for (const [name, value] of Object.entries(HEADERS)) context.res.headers.set(name, value);
};

/** The port need not be checked: whoever listens on it answers. */
function isLocal(host: string): boolean {
  return LOCAL_NAMES.includes(host.replace(/:\d{1,5}$/, '').toLowerCase());
}
