import { ar, de, en, ja, type Texts } from '../../../src/react/texts/index.ts';

/** What the page itself says, around the components. */
export interface PageWords {
  readonly title: string;
  readonly meter: string;
  readonly ended: string;
  readonly backToAccount: string;
}

export interface Language {
  /** BCP 47, without a region. */
  readonly locale: string;
  readonly name: string;
  readonly dir: 'ltr' | 'rtl';
  readonly texts: Texts;
  readonly words: PageWords;
}

export const ENGLISH: Language = {
  locale: 'en',
  name: 'English',
  dir: 'ltr',
  texts: en,
  words: {
    title: 'Usage and billing',
    meter: 'Meter',
    ended: 'Please sign in again',
    backToAccount: 'Back to my account',
  },
};

export const LANGUAGES: readonly Language[] = [
  ENGLISH,
  {
    locale: 'de',
    name: 'Deutsch',
    dir: 'ltr',
    texts: de,
    words: {
      title: 'Nutzung und Abrechnung',
      meter: 'Zähler',
      ended: 'Bitte noch einmal anmelden',
      backToAccount: 'Zurück zu meinem Konto',
    },
  },
  {
    locale: 'ja',
    name: '日本語',
    dir: 'ltr',
    texts: ja,
    words: {
      title: '利用状況とお支払い',
      meter: 'メーター',
      ended: 'もう一度サインインしてください',
      backToAccount: 'アカウントに戻る',
    },
  },
  {
    locale: 'ar',
    name: 'العربية',
    dir: 'rtl',
    texts: ar,
    words: {
      title: 'الاستخدام والفواتير',
      meter: 'العدّاد',
      ended: 'يُرجى تسجيل الدخول من جديد',
      backToAccount: 'العودة إلى حسابي',
    },
  },
];

/** The first of some locales that is spoken here, as it is asked for: `de-AT` is German with Austria's numbers. */
export function languageFor(locales: readonly string[]): { language: Language; locale: string } {
  for (const locale of locales) {
    const language = LANGUAGES.find((each) => each.locale === locale.split('-')[0]?.toLowerCase());
    if (language && isLocale(locale)) return { language, locale };
  }
  return { language: ENGLISH, locale: ENGLISH.locale };
}

function isLocale(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}
