import type { UnitNames } from '../../../src/react/index.ts';

/** What the server has written into the page. All of it may be absent. */
export interface PageSettings {
  /** Of the page. Default: "Usage and billing", in the reader's language. */
  readonly title?: string;
  /** Where customers get in again: a page of the app that hands out a new token. */
  readonly account_url?: string;
  /** Default: the reader's own, where it is spoken. */
  readonly locale?: string;
  readonly units?: Readonly<Record<string, UnitNames>>;
}

const NAME = 'tallybook-page';

/** The server checks its settings; this checks only that there are some. */
export function readSettings(): PageSettings {
  const content = document.querySelector<HTMLMetaElement>(`meta[name="${NAME}"]`)?.content;
  return content ? JSON.parse(content) : {};
}
