import { isIPv4, isIPv6, SocketAddress } from 'node:net';

/** Where requests came from, as far as whoever made the Request object could tell. */
const addresses = new WeakMap<Request, string>();

/** Notes the address of the other end of the connection: a Request has no place for it. */
export function setRemoteAddress(request: Request, address: string): void {
  addresses.set(request, address);
}

/**
 * The address that a request is counted under, of IPv6 the network; null = not known. A header of a proxy is believed only
 * where the configuration names it, and of a list of addresses the last, which the proxy itself has added. Where that is no
 * address, the connection's counts: a header that nobody can read is no way around the limit.
 */
export function remoteAddress(request: Request, client_ip_header: string | null): string | null {
  const named = client_ip_header && request.headers.get(client_ip_header)?.split(',').at(-1);
  return (named && counted(named)) || counted(addresses.get(request) ?? '');
}

/** `192.0.2.1`, `192.0.2.1:443`, `[2001:db8::1]:443` or `2001:db8::1%eth0`, without what is not of the address. */
const ADDRESS = /^(?:([\d.]+)(?::\d+)?|\[?([\da-f:.]+)(?:%[^\]]*)?(?:\](?::\d+)?)?)$/i;

/** However it is spelled, one address is counted as one. @returns null where it is none. */
function counted(text: string): string | null {
  const [, ipv4 = '', ipv6 = ''] = ADDRESS.exec(text.trim()) ?? [];
  if (isIPv4(ipv4)) return ipv4;
  return isIPv6(ipv6) ? networkOf(ipv6) : null;
}

/** Whoever has one address of IPv6 has a whole network of them, of 64 bits (RFC 6177). */
const NETWORK_GROUPS = 4;
const GROUPS = 8;

function networkOf(ipv6: string): string {
  const { address } = new SocketAddress({ address: ipv6, family: 'ipv6' });
  const [, mapped] = /^::ffff:([\d.]+)$/.exec(address) ?? [];
  if (mapped !== undefined) return mapped;
  const [start = [], end = []] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = new Array<string>(GROUPS - start.length - end.length).fill('0');
  return [...start, ...zeros, ...end].slice(0, NETWORK_GROUPS).join(':');
}
