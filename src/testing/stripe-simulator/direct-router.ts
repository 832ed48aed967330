import type { Route } from './route.ts';

interface FoundRoute {
  /** null: none serves the path. */
  readonly route: Route | null;
  /** The id in the path; empty where it has none. */
  readonly id: string;
}

/** Finds the route of a path without a web framework. Words in a path win over ids. */
export function directRouter(routes: readonly Route[]): (method: string, path: string) => FoundRoute {
  const patterns = routes.map((route) => ({ route, words: route.path.split('/') }));
  return (method, path) => {
    const [pathname = ''] = path.split('?', 1);
    const parts = pathname.split('/');
    // Searches are not served, and `search` is no id.
    if (parts.at(-1) === 'search') return { route: null, id: '' };
    const fitting = patterns.filter(({ route, words }) => route.method === method && fits(words, parts));
    const found = fitting.find(({ words }) => !words.includes(':id')) ?? fitting[0];
    if (!found) return { route: null, id: '' };
    return { route: found.route, id: parts[found.words.indexOf(':id')] ?? '' };
  };
}

function fits(words: readonly string[], parts: readonly string[]): boolean {
  if (words.length !== parts.length) return false;
  return words.every((word, index) => word === parts[index] || (word === ':id' && parts[index] !== ''));
}
