import { useState } from 'react';
import { useRefresh } from '../../../src/react/index.ts';
import { Artwork } from './artwork.tsx';
import { meterUsage } from './dev-api.ts';

interface Metered {
  readonly meter: 'credits' | 'tokens';
  readonly quantity: number;
}

interface Action extends Metered {
  readonly name: string;
  readonly does: string;
  /** How many pictures come of it. */
  readonly pictures: number;
}

const ACTIONS: readonly Action[] = [
  { name: 'Paint a picture', does: '1 credit', meter: 'credits', quantity: 1, pictures: 1 },
  { name: 'Paint a series', does: '40 credits', meter: 'credits', quantity: 40, pictures: 4 },
  { name: 'Render a film', does: '400 credits', meter: 'credits', quantity: 400, pictures: 8 },
  { name: 'Ask the assistant', does: '25,000 tokens', meter: 'tokens', quantity: 25_000, pictures: 0 },
];
const SHOWN = 8;
/** Of the server: a call that means it need not name it. */
const DEFAULT_METER = 'credits';

export interface SampleProductProps {
  readonly account: string;
}

/** A product that meters usage: what it does not do for real is paint. */
export function SampleProduct({ account }: SampleProductProps) {
  const refresh = useRefresh();
  const [pictures, setPictures] = useState<readonly number[]>([]);
  const [said, setSaid] = useState('');
  const [latest, setLatest] = useState<Metered>({ meter: DEFAULT_METER, quantity: 1 });

  async function run({ name, meter, quantity, pictures: count }: Action): Promise<void> {
    try {
      setLatest({ meter, quantity });
      await meterUsage({ account, meter, quantity });
      const made = Array.from({ length: count }, () => Math.floor(Math.random() * 1_000_000));
      setPictures((before) => [...made, ...before].slice(0, SHOWN));
      setSaid(
        `${name}: ${quantity.toLocaleString('en')} ${quantity === 1 ? meter.slice(0, -1) : meter} counted.`,
      );
      refresh();
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  }

  return (
    <section className="product" aria-labelledby="product">
      <header>
        <p className="eyebrow">The product</p>
        <h2 id="product">Lumen Studio</h2>
        <p>An app that you might have. Whatever you do in it is metered by one line in its server.</p>
      </header>
      <div className="actions">
        {ACTIONS.map((action) => (
          <button key={action.name} type="button" onClick={() => run(action)}>
            <strong>{action.name}</strong>
            <span>{action.does}</span>
          </button>
        ))}
      </div>
      <p role="status" className="said">
        {said}
      </p>
      <div className="pictures" aria-hidden="true">
        {Array.from({ length: SHOWN }, (_, place) => {
          const seed = pictures[place];
          // biome-ignore lint/suspicious/noArrayIndexKey: a place on the wall is where it is.
          return seed === undefined ? <span key={place} /> : <Artwork key={`${place} ${seed}`} seed={seed} />;
        })}
      </div>
      <figure className="code">
        <figcaption>The line</figcaption>
        <pre>
          <code>{callOf(account, latest)}</code>
        </pre>
      </figure>
    </section>
  );
}

/** As it stands in the product's server. */
function callOf(account: string, { meter, quantity }: Metered): string {
  const fields = [
    `account: ${JSON.stringify(account)}`,
    ...(meter === DEFAULT_METER ? [] : [`meter: ${JSON.stringify(meter)}`]),
    `quantity: ${quantity.toLocaleString('en').replaceAll(',', '_')}`,
    'idempotency_key: request.id',
  ];
  return `await usage.increment({\n${fields.map((field) => `  ${field},\n`).join('')}});`;
}
