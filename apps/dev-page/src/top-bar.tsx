import { useEffect, useRef, useState } from 'react';
import { type QueryResult, useRefresh } from '../../../src/react/index.ts';
import { LANGUAGES } from '../../usage-page/src/languages.ts';
import { type ClockMove, type DevState, moveClock } from './dev-api.ts';
import { THEMES, type Theme, type usePreferences } from './preferences.ts';

export type TopBarProps = ReturnType<typeof usePreferences> & { readonly state: QueryResult<DevState> };

const MOVES: readonly (readonly [ClockMove, string])[] = [
  ['hour', '+ 1 hour'],
  ['day', '+ 1 day'],
  ['period_end', 'To the end of the period'],
];
const THEME_NAMES: Readonly<Record<Theme, string>> = { system: 'System', light: 'Light', dark: 'Dark' };

/** The name, the clock, and how the page looks. */
export function TopBar({ state, language, setLocale, theme, setTheme }: TopBarProps) {
  return (
    <header className="top">
      <h1 className="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="8" />
          <path d="M9 9v14M14 9v14M19 9v14M24 9v14M6 20 27 12" />
        </svg>
        Tallybook <small>dev</small>
      </h1>
      <Clock state={state} />
      <div className="preferences">
        <label>
          <span>Language</span>
          <select value={language.locale} onChange={(event) => setLocale(event.target.value)}>
            {LANGUAGES.map(({ locale, name }) => (
              <option key={locale} value={locale} lang={locale}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Theme</span>
          <select
            value={theme}
            onChange={(event) => setTheme(THEMES.find((each) => each === event.target.value) ?? 'system')}
          >
            {THEMES.map((each) => (
              <option key={each} value={each}>
                {THEME_NAMES[each]}
              </option>
            ))}
          </select>
        </label>
      </div>
    </header>
  );
}

/** More than passes by itself between two looks at the clock. */
const MOVED_MS = 60_000;

/** While it moves, the billing goes on as it would: reports, the end of the period, the invoice. */
function Clock({ state }: { readonly state: QueryResult<DevState> }) {
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
