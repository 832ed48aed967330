/** Where requests came from, as far as whoever made the Request object could tell. */
const addresses = new WeakMap<Request, string>();

/** Notes the address of the other end of the connection: a Request has no place for it. */
export function setRemoteAddress(request: Request, address: string): void {
  addresses.set(request, address);
}

/**
 * The address that a request is counted under; null = not known. A header of a proxy is believed only where the
 * configuration names it, and of a list of addresses the last, which the proxy itself has added.
 */
export function remoteAddress(request: Request, client_ip_header: string | null): string | null {
  if (client_ip_header === null) return addresses.get(request) ?? null;
  const address = request.headers.get(client_ip_header)?.split(',').at(-1)?.trim();
  return address === undefined || address === '' || address.length > MAX_LENGTH ? null : address;
}

const MAX_LENGTH = 64;
