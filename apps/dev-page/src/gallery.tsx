import '../../../src/react/style.css';
import '../../usage-page/src/usage-page.css';
import './page.css';
import { type ReactNode, useEffect, useMemo } from 'react';
import { createRoot } from 'react-dom/client';
import { createClient } from '../../../src/client/index.ts';
import { UsageProvider, useRefresh } from '../../../src/react/index.ts';
import { EXAMPLES, type Example } from './gallery-examples.tsx';
import { usePreferences } from './preferences.ts';

/** What breaks after a first answer shows it soon, however rarely it is read. */
const STALE_AFTER_MS = 250;
const POLL_MS = 60_000;

/** Every component in every state. `?locale=`, `?theme=` and `?only=` are for pictures of them. */
function Gallery() {
  const { language } = usePreferences();
  const only = new URLSearchParams(location.search).get('only');
  const groups = [...new Set(EXAMPLES.map(({ component }) => component))];
  return (
    <main className="gallery">
      <nav aria-label="More pages">
        <a href="/">Sample product</a>
        <a href="/operator">Behind the scenes</a>
      </nav>
      <h1>Components of tallybook/react</h1>
      {groups.map((component) => (
        <section key={component} aria-label={component} data-component={component}>
          <h2>{component}</h2>
          <div className="examples">
            {EXAMPLES.filter((each) => each.component === component && (!only || nameOf(each) === only)).map(
              (example) => (
                <Shown key={nameOf(example)} example={example} language={language} />
              ),
            )}
          </div>
        </section>
      ))}
    </main>
  );
}

interface ShownProps {
  readonly example: Example;
  readonly language: ReturnType<typeof usePreferences>['language'];
}

function Shown({ example, language: { locale, texts, units } }: ShownProps): ReactNode {
  const client = useMemo(() => clientFor(example), [example]);
  return (
    <figure data-example={nameOf(example)}>
      <figcaption>{example.name}</figcaption>
      <UsageProvider client={client} locale={locale} texts={texts} units={units} pollMs={POLL_MS}>
        {example.render()}
        {example.state === 'stale' ? <ReadAgain /> : null}
      </UsageProvider>
    </figure>
  );
}

function ReadAgain() {
  const refresh = useRefresh();
  useEffect(() => {
    const timer = setTimeout(refresh, STALE_AFTER_MS);
    return () => clearTimeout(timer);
  });
  return null;
}

function nameOf({ component, name }: Example): string {
  return `${component} ${name}`.toLowerCase().replaceAll(/[^a-z]+/g, '-');
}

/** A client whose server is a fixture. */
function clientFor({ state = 'ready', data }: Example) {
  let answers = 0;
  return createClient({
    base_url: '/gallery',
    max_attempts: 1,
    fetch: async (url) => {
      answers += 1;
      if (state === 'loading') return await new Promise(() => {});
      if (state === 'failed' || (state === 'stale' && answers > 1)) throw new TypeError('No connection.');
      if (state === 'expired') return refusal('unauthenticated', 401);
      if (state === 'unknown') return refusal('account_not_found', 404);
      return Response.json(data(new URL(url, location.href)));
    },
  });
}

/** As the server tells problems; what it says is for developers, and not shown. */
function refusal(code: string, status: number): Response {
  const problem = { type: '/reference', title: code, status, detail: 'Refused.', code, remedy: 'Ask again.' };
  return Response.json(problem, { status, headers: { 'Content-Type': 'application/problem+json' } });
}

const root = document.getElementById('root');
if (root) createRoot(root).render(<Gallery />);
