import { type FormEvent, useState } from 'react';
import { type Counted, countUsage } from './operator-api.ts';
import { useAction } from './use-action.ts';

/** Counts usage as an app's server would, with a key or without. */
export function MeterUsage() {
  const { act, refusal } = useAction();
  const [said, setSaid] = useState('');

  async function count(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? '');
    const key = text('idempotency_key');
    setSaid('');
    await act(async () => {
      const counted = await countUsage({
        account: text('account'),
        meter: text('meter'),
        quantity: Number(text('quantity')),
        ...(key === '' ? {} : { idempotency_key: key }),
      });
      setSaid(wordsOf(counted));
    });
  }

  return (
    <>
      <form onSubmit={count}>
        <label>
          Account <input name="account" defaultValue="acme" required maxLength={255} autoComplete="off" />
        </label>
        <label>
          Meter{' '}
          <select name="meter">
            <option>credits</option>
            <option>tokens</option>
          </select>
        </label>
        <label>
          Quantity{' '}
          <input
            name="quantity"
            defaultValue="10"
            required
            inputMode="numeric"
            pattern="[0-9]+"
            autoComplete="off"
          />
        </label>
        <label>
          Idempotency key{' '}
          <input name="idempotency_key" maxLength={255} placeholder="none" autoComplete="off" />
        </label>
        <button type="submit">Count it</button>
        <output>{said}</output>
      </form>
      <p role="alert" className="bad">
        {refusal}
      </p>
      <p>The same from a terminal:</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also with the keyboard. */}
      <pre tabIndex={0}>{COMMAND}</pre>
    </>
  );
}

function wordsOf({ recorded, duplicate }: Counted): string {
  if (duplicate) return 'Counted before with this key.';
  return recorded ? 'Counted.' : 'Nothing to count.';
}

const INCREMENT = { account: 'acme', quantity: 10 };
const KEYED = JSON.stringify({ ...INCREMENT, idempotency_key: 'request-1' });
const STAMPED = JSON.stringify({ ...INCREMENT, timestamp: 'YYYY-MM-DDTHH:MM:SSZ' });
const COMMAND = `curl ${location.origin}/v1/usage -H 'content-type: application/json' \\
  -d '${KEYED}'

# with a timestamp: ${STAMPED}`;
