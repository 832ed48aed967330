import { useMemo, useState } from 'react';
import { createClient } from '../../../src/client/index.ts';
import { UsageProvider, useQuery } from '../../../src/react/index.ts';
import { CustomerPage } from './customer-page.tsx';
import { readState } from './dev-api.ts';
import { usePreferences } from './preferences.ts';
import { SampleProduct } from './sample-product.tsx';
import { TopBar } from './top-bar.tsx';

const POLL_MS = 1_000;

/** A sample product, and beside it the usage page of its customer. */
export function Page() {
  const { language, ...preferences } = usePreferences();
  const [account, setAccount] = useState(() => new URLSearchParams(location.search).get('account') ?? 'acme');
  const client = useMemo(
    // The development server adds the browser token of the account; your app's server hands one out.
    () => createClient({ base_url: `/accounts/${encodeURIComponent(account)}`, max_attempts: 1 }),
    [account],
  );
  const { locale, texts, units } = language;
  return (
    <UsageProvider client={client} locale={locale} texts={texts} units={units} pollMs={POLL_MS}>
      <Parts account={account} onAccount={setAccount} language={language} {...preferences} />
    </UsageProvider>
  );
}

type PartsProps = ReturnType<typeof usePreferences> & {
  readonly account: string;
  readonly onAccount: (account: string) => void;
};

function Parts({ account, onAccount, ...preferences }: PartsProps) {
  const state = useQuery('dev state', readState);
  return (
    <>
      <TopBar state={state} {...preferences} />
      <main className="split">
        <SampleProduct account={account} />
        <CustomerPage
          account={account}
          onAccount={onAccount}
          accounts={state.data?.accounts ?? []}
          language={preferences.language}
        />
      </main>
      <footer className="foot">
        <span>
          Everything here runs on this machine, with a simulated Stripe at{' '}
          <code>{state.data?.stripe_url}</code>
        </span>
        <nav aria-label="More pages">
          <a href="/operator">Behind the scenes</a>
          <a href="/gallery">All components</a>
        </nav>
      </footer>
    </>
  );
}
