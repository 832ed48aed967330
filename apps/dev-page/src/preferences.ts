import { useEffect, useState } from 'react';
import type { UnitNames } from '../../../src/react/index.ts';
import { ENGLISH, LANGUAGES, type Language } from '../../usage-page/src/languages.ts';

type UnitsByMeter = Readonly<Record<string, UnitNames>>;

/** A language, and what it calls the units of the demonstration's meters. */
export interface DevLanguage extends Language {
  readonly units: UnitsByMeter;
}

const named = (title: string, one: string, other: string): UnitNames => ({ title, one, other });

const UNITS: Readonly<Record<string, UnitsByMeter>> = {
  en: { credits: named('Credits', 'credit', 'credits'), tokens: named('Tokens', 'token', 'tokens') },
  de: { credits: named('Credits', 'Credit', 'Credits'), tokens: named('Token', 'Token', 'Token') },
  ja: {
    credits: named('クレジット', 'クレジット', 'クレジット'),
    tokens: named('トークン', 'トークン', 'トークン'),
  },
  ar: { credits: named('الأرصدة', 'رصيد', 'رصيد'), tokens: named('الرموز', 'رمز', 'رمز') },
};

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const DEV_LANGUAGES = LANGUAGES.map((each): DevLanguage => ({ ...each, units: UNITS[each.locale] ?? {} }));
const DEV_ENGLISH: DevLanguage = { ...ENGLISH, units: {} };

/** The language and the theme, from the address at first: `?locale=de&theme=dark`. */
export function usePreferences() {
  const [asked] = useState(() => new URLSearchParams(location.search));
  const [locale, setLocale] = useState(asked.get('locale') ?? 'en');
  const [theme, setTheme] = useState<Theme>(THEMES.find((each) => each === asked.get('theme')) ?? 'system');
  const language = DEV_LANGUAGES.find((each) => each.locale === locale) ?? DEV_ENGLISH;

  useEffect(() => {
    document.documentElement.dataset['theme'] = theme;
  }, [theme]);

  return { language, setLocale, theme, setTheme };
}
