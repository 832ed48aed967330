import '../../../src/react/style.css';
import './usage-page.css';
import { StrictMode, useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { createClient } from '../../../src/client/index.ts';
import { UsageProvider } from '../../../src/react/index.ts';
import { languageFor } from './languages.ts';
import { fetchWith, givenToken, rememberedToken } from './session.ts';
import { readSettings } from './settings.ts';
import { SignInAgain } from './sign-in-again.tsx';
import { UsagePage } from './usage-page.tsx';

const settings = readSettings();
const asked = new URLSearchParams(location.search).get('locale') ?? settings.locale;
const { language, locale } = languageFor(asked === undefined ? navigator.languages : [asked]);
const words = { ...language.words, ...(settings.title === undefined ? {} : { title: settings.title }) };
const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
/** The API is beside the page. */
const base_url = new URL('.', location.href).href;

/** The page of one account: whoever has opened it with its token sees it until the token ends. */
function App() {
  const [token, setToken] = useState(() => givenToken() ?? rememberedToken());
  useEffect(() => {
    const take = () => {
      const given = givenToken();
      if (given !== null) setToken(given);
    };
    addEventListener('hashchange', take);
    return () => removeEventListener('hashchange', take);
  }, []);
  const client = useMemo(
    () => (token === null ? null : createClient({ base_url, token, fetch: fetchWith(token) })),
    [token],
  );
  if (client === null) {
    return (
      <main className="alone">
        <SignInAgain language={language} account_url={settings.account_url} />
      </main>
    );
  }
  return (
    <UsageProvider
      client={client}
      locale={locale}
      timeZone={timeZone}
      texts={language.texts}
      {...(settings.units ? { units: settings.units } : {})}
    >
      <main className="alone">
        <UsagePage
          language={{ ...language, words }}
          units={settings.units}
          account_url={settings.account_url}
          headingLevel={1}
        />
      </main>
    </UsageProvider>
  );
}

document.title = words.title;
document.documentElement.lang = locale;
document.documentElement.dir = language.dir;
const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
