const KEY = 'tallybook-token';
/** Of a JSON Web Token. */
const TOKEN = /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * The browser token in the address (`#token=…`, a part that no server and no log sees). It is taken out at once, so that it is
 * neither copied nor kept in the history.
 *
 * @returns null when there is none: an app that had no token at hand may have made a link with nothing behind the sign.
 */
export function givenToken(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given !== null) history.replaceState(null, '', location.pathname + location.search);
  return given !== null && TOKEN.test(given) ? given : null;
}

// A browser may forbid pages to remember anything: then the page works until it is loaded again.

/** The token with which this tab has been answered last. */
export function rememberedToken(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** `fetch`, with a token that is remembered as soon as the server has taken it: a bad one takes the place of no good one. */
export function fetchWith(token: string): typeof fetch {
  return async (url, init) => {
    const response = await fetch(url, init);
    if (response.ok) remember(token);
    return response;
  };
}

function remember(token: string): void {
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    return;
  }
}
