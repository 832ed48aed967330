import { useState } from 'react';
import { UsageMeter, UsageProvider } from '../../../src/react/index.ts';

/** Somebody with two accounts. A token is the name of its account here. */
export function AccountSwitch() {
  const [account, setAccount] = useState('acme');
  return (
    <>
      <button type="button" onClick={() => setAccount('globex')}>
        Switch
      </button>
      <UsageProvider baseUrl="/billing" account={account} getToken={() => account}>
        <UsageMeter />
      </UsageProvider>
    </>
  );
}
