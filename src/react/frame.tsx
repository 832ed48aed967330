import { type ReactNode, useId } from 'react';
import { RequestError } from '../client/request-error.ts';
import type { QueryResult } from './hooks.ts';
import { useUsageContext } from './provider.tsx';
import { Skeleton } from './skeleton.tsx';

/** What every component takes. */
export interface ComponentProps {
  readonly className?: string | undefined;
  /** Of the component's heading on your page, 2 to 6. Default: 3. */
  readonly headingLevel?: 2 | 3 | 4 | 5 | 6;
  /** Default: what it shows. */
  readonly title?: string | undefined;
}

export interface FrameProps<Data> extends ComponentProps {
  /** Of the CSS class: `tallybook-meter`. */
  readonly name: string;
  readonly title: string;
  readonly result: QueryResult<Data>;
  /** How many lines it will have, about. */
  readonly lines: number;
  /** Beside the heading. */
  readonly actions?: ReactNode;
  readonly children: (data: Data) => ReactNode;
}

/** A part of the page with a heading, and with what there is to say while there is nothing to show, or nothing new. */
export function Frame<Data>(props: FrameProps<Data>): ReactNode {
  const { name, title, result, lines, actions, className = '', headingLevel = 3, children } = props;
  const { locale, dir } = useUsageContext();
  const heading = useId();
  const Heading = `h${headingLevel}` as const;
  return (
    <section
      className={`tallybook tallybook-${name} ${className}`.trim()}
      aria-labelledby={heading}
      aria-busy={result.isLoading}
      lang={locale}
      dir={dir}
    >
      <header className="tallybook-header">
        <Heading className="tallybook-title" id={heading}>
          <bdi>{title}</bdi>
        </Heading>
        {actions}
      </header>
      {result.data === undefined ? null : children(result.data)}
      <State result={result} lines={lines} />
    </section>
  );
}

function State({ result, lines }: { readonly result: QueryResult<unknown>; readonly lines: number }) {
  const { texts, formats } = useUsageContext();
  const { isLoading, error, staleSince, refresh } = result;
  if (isLoading) return <Skeleton lines={lines} label={texts.loading} />;
  if (!error) return null;
  const code = error instanceof RequestError ? error.code : null;
  if (code === 'account_not_found') return <p className="tallybook-empty">{texts.nothingYet}</p>;
  const isExpired = code === 'unauthenticated';
  const trouble = staleSince === undefined ? texts.failed : texts.stale(formats.time(staleSince));
  return (
    <div className={staleSince === undefined ? 'tallybook-failed' : 'tallybook-stale'} role="status">
      <span>{isExpired ? texts.expired : trouble}</span>
      {isExpired ? null : (
        <button type="button" className="tallybook-button" onClick={refresh}>
          {texts.retry}
        </button>
      )}
    </div>
  );
}
