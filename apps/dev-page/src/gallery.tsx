import '../../../src/react/style.css';
import './page.css';
import { type ReactNode, useMemo } from 'react';
import { createRoot } from 'react-dom/client';
import { createClient } from '../../../src/client/index.ts';
import { UsageProvider } from '../../../src/react/index.ts';
import { EXAMPLES, type Example } from './gallery-examples.tsx';
import { usePreferences } from './preferences.ts';

/** So that what breaks after a first answer shows it soon. */
const STALE_POLL_MS = 250;
const POLL_MS = 60_000;

/** Every component in every state. `?locale=`, `?theme=` and `?only=` are for pictures of them. */
function Gallery() {
  const { language } = usePreferences();
  const only = new URLSearchParams(location.search).get('only');
  const groups = [...new Set(EXAMPLES.map(({ component }) => component))];
  return (
    <main className="gallery">
      <h1>Components of tallybook/react</h1>
      {groups.map((component) => (
        <section key={component} aria-label={component}>
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
  const pollMs = example.state === 'stale' ? STALE_POLL_MS : POLL_MS;
  return (
    <figure data-example={nameOf(example)}>
      <figcaption>{example.name}</figcaption>
      <UsageProvider client={client} locale={locale} texts={texts} units={units} pollMs={pollMs}>
        {example.render(client)}
      </UsageProvider>
    </figure>
  );
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
      return Response.json(data(new URL(url, location.href)));
    },
  });
}

const root = document.getElementById('root');
if (root) createRoot(root).render(<Gallery />);
