import { RequestError } from '../../../src/client/index.ts';
import type { QueryResult } from '../../../src/react/index.ts';
import { Skeleton } from '../../../src/react/skeleton.tsx';
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
    <div className="tallybook wide" aria-busy={isLoading}>
      {isLoading ? (
        <Skeleton lines={LINES} label={texts.loading} />
      ) : (
        <div className="tallybook-failed" role="status">
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
