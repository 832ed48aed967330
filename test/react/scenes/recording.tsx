import { useState } from 'react';
import { UsageProvider, useRecord } from '../../../src/react/index.ts';

/** An app that records, and can be taken off the page. */
export function Recording() {
  const [isShown, setIsShown] = useState(true);
  return (
    <>
      <button type="button" onClick={() => setIsShown(!isShown)}>
        {isShown ? 'Leave' : 'Come back'}
      </button>
      {isShown ? (
        <UsageProvider baseUrl="/billing">
          <Recorder />
        </UsageProvider>
      ) : null}
    </>
  );
}

function Recorder() {
  const record = useRecord();
  const [outcome, setOutcome] = useState('');
  async function recordOne(): Promise<void> {
    setOutcome('');
    const { recorded } = await record({ account: 'acme' });
    setOutcome(recorded ? 'Recorded.' : 'It was there already.');
  }
  return (
    <>
      <button type="button" onClick={() => recordOne()}>
        Record
      </button>
      <output>{outcome}</output>
    </>
  );
}
