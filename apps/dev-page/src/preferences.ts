import { useEffect, useState } from 'react';
import type { UnitNames } from '../../../src/react/index.ts';
import { ar, de, en, ja, type Texts } from '../../../src/react/texts/index.ts';

type UnitsByMeter = Readonly<Record<string, UnitNames>>;

export interface Language {
  readonly locale: string;
  readonly name: string;
  readonly texts: Texts;
  readonly units: UnitsByMeter;
}

const named = (title: string, one: string, other: string): UnitNames => ({ title, one, other });

export const LANGUAGES: readonly Language[] = [
  {
    locale: 'en',
    name: 'English',
    texts: en,
    units: { credits: named('Credits', 'credit', 'credits'), tokens: named('Tokens', 'token', 'tokens') },
  },
  {
    locale: 'de',
    name: 'Deutsch',
    texts: de,
    units: { credits: named('Credits', 'Credit', 'Credits'), tokens: named('Token', 'Token', 'Token') },
  },
  {
    locale: 'ja',
    name: '日本語',
    texts: ja,
    units: {
      credits: named('クレジット', 'クレジット', 'クレジット'),
      tokens: named('トークン', 'トークン', 'トークン'),
    },
  },
  {
    locale: 'ar',
    name: 'العربية',
    texts: ar,
    units: { credits: named('الأرصدة', 'رصيد', 'رصيد'), tokens: named('الرموز', 'رمز', 'رمز') },
  },
];

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const [ENGLISH] = LANGUAGES;

/** The language and the theme, from the address at first: `?locale=de&theme=dark`. */
export function usePreferences() {
  const [asked] = useState(() => new URLSearchParams(location.search));
  const [locale, setLocale] = useState(asked.get('locale') ?? 'en');
  const [theme, setTheme] = useState<Theme>(THEMES.find((each) => each === asked.get('theme')) ?? 'system');
  const language = LANGUAGES.find((each) => each.locale === locale) ?? ENGLISH;
  if (!language) throw new Error('There is no language.');

  useEffect(() => {
    document.documentElement.dataset['theme'] = theme;
  }, [theme]);

  return { language, setLocale, theme, setTheme };
}
