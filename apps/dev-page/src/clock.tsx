import { useEffect, useRef, useState } from 'react';
import { type QueryResult, useRefresh } from '../../../src/react/index.ts';
import { type ClockMove, type DevState, moveClock } from './dev-api.ts';

const MOVES: readonly (readonly [ClockMove, string])[] = [
  ['hour', '+ 1 hour'],
  ['day', '+ 1 day'],
  ['period_end', 'To the end of the period'],
];
/** More than passes by itself between two looks at the clock. */
const MOVED_MS = 60_000;

/** The simulated time. While it moves, the billing goes on as it would: reports, the end of the period, the invoice. */
export function Clock({ state }: { readonly state: QueryResult<DevState> }) {
  const refresh = useRefresh();
  const [refusal, setRefusal] = useState<string | null>(null);
  const clock = state.data?.clock;
  const isMoving = clock?.moving != null;
  const settledAt = useRef<number | null>(null);

  // Whether or not the page has seen it move: a short way is over between two looks.
  useEffect(() => {
    if (!clock || clock.moving !== null) return;
    const now = Date.parse(clock.now);
    if (settledAt.current !== null && now - settledAt.current > MOVED_MS) refresh();
    settledAt.current = now;
  }, [clock, refresh]);

  async function move(to: ClockMove): Promise<void> {
    try {
      setRefusal(null);
      await moveClock(to);
      state.refresh();
    } catch (error) {
      setRefusal(error instanceof Error ? error.message : String(error));
    }
  }

  return (
    <div className="clock">
      <p role="status">
        <span>{clock?.moving ? `On the way to ${clock.moving.to.slice(0, 10)}` : 'Simulated time'}</span>
      </p>
      <time dateTime={clock?.now}>{clock ? textOf(clock.now) : '…'}</time>
      <fieldset aria-label="Move the clock">
        {MOVES.map(([to, name]) => (
          <button key={to} type="button" disabled={!clock || isMoving} onClick={() => move(to)}>
            {name}
          </button>
        ))}
      </fieldset>
      <p role="alert" className="bad">
        {state.error ? 'Tallybook dev has stopped. Start it again and this page goes on.' : refusal}
      </p>
    </div>
  );
}

/** In UTC, to the minute. */
function textOf(instant: string): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`;
}
