import type { QueryResult } from '../../../src/react/index.ts';
import { LANGUAGES } from '../../usage-page/src/languages.ts';
import { Brand } from './brand.tsx';
import { Clock } from './clock.tsx';
import type { DevState } from './dev-api.ts';
import { THEMES, type Theme, type usePreferences } from './preferences.ts';

export type TopBarProps = ReturnType<typeof usePreferences> & { readonly state: QueryResult<DevState> };

const THEME_NAMES: Readonly<Record<Theme, string>> = { system: 'System', light: 'Light', dark: 'Dark' };

/** The name, the clock, and how the page looks. */
export function TopBar({ state, language, setLocale, theme, setTheme }: TopBarProps) {
  return (
    <header className="top">
      <Brand>dev</Brand>
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
