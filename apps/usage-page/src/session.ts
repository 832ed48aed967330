const KEY = 'tallybook-token';

/**
 * The browser token that opens the page: from the address (`#token=…`, a part that no server and no log sees), where it is
 * taken out at once, so that it is neither copied nor kept in the history; afterwards as this tab remembers it.
 *
 * @returns null when there is none.
 */
export function takeToken(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given !== null) history.replaceState(null, '', location.pathname + location.search);
  // An app that had no token at hand may have made a link with nothing behind the sign.
  if (!given) return remembered();
  remember(given);
  return given;
}

// A browser may forbid pages to remember anything: then the page works until it is loaded again.

function remembered(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function remember(token: string): void {
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    return;
  }
}
