import { RequestError } from '../../../src/client/index.ts';
import type { QueryResult } from '../../../src/react/index.ts';
import type { Texts } from '../../../src/react/texts/index.ts';

export interface OpeningProps {
  readonly usage: QueryResult<object>;
  readonly texts: Texts;
}

const LINES = 6;

/** In place of the cards, until it is known which meters there are. */
export function Opening({ usage: { isLoading, error, refresh }, texts }: OpeningProps) {
  const isNew = error instanceof RequestError && error.code === 'account_not_found';
  return (
    <div className="tallybook wide" aria-busy={isLoading} role="status">
      {isLoading ? (
        <div className="tallybook-skeleton">
          <span className="tallybook-hidden">{texts.loading}</span>
          {Array.from({ length: LINES }, (_, line) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all alike and never move.
            <span key={line} aria-hidden="true" />
          ))}
        </div>
      ) : (
        <div className="tallybook-failed">
          <span>{isNew ? texts.nothingYet : texts.failed}</span>
          {isNew ? null : (
            <button type="button" className="tallybook-button" onClick={refresh}>
              {texts.retry}
            </button>
          )}
        </div>
      )}
    </div>
  );
}
