import type { Language } from './languages.ts';

export interface SignInAgainProps {
  readonly language: Language;
  /** Where a new token is handed out; undefined = the page cannot say. */
  readonly account_url: string | undefined;
}

/** The same as the server takes: anything else is not a page. */
const PAGE_URL = /^https?:/i;

/** In place of the page, where there is no token or its time is over. */
export function SignInAgain({ language: { texts, words }, account_url }: SignInAgainProps) {
  return (
    <section className="ended" role="status">
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <rect x="4.75" y="10.5" width="14.5" height="9.75" rx="2.5" />
        <path d="M8 10.5V8a4 4 0 0 1 8 0v2.5M12 14.5v2" />
      </svg>
      <h1>{words.ended}</h1>
      <p>{texts.expired}</p>
      {account_url !== undefined && PAGE_URL.test(account_url) ? (
        <a className="tallybook-button" href={account_url}>
          {words.backToAccount}
        </a>
      ) : null}
    </section>
  );
}
