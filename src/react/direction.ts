export type Direction = 'ltr' | 'rtl';

/** Of those that CLDR has locales for, and their neighbours. */
const RIGHT_TO_LEFT = /^(Adlm|Arab|Hebr|Mand|Mend|Nkoo|Rohg|Samr|Syrc|Thaa)$/;

/** Which way a locale is written: its script says so, given or the usual one. `Intl` says it by itself only in some browsers. */
export function directionOf(locale: string): Direction {
  const { script = '' } = new Intl.Locale(locale).maximize();
  return RIGHT_TO_LEFT.test(script) ? 'rtl' : 'ltr';
}
