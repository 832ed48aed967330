import { z } from 'zod';
import type { UnitNames } from '../react/units.ts';

/** Options of the customer's usage page. Each is shown to customers. */
export interface UsagePageOptions<Meter extends string = string> {
  /** Of the page, at most 100 characters. Default: "Usage and billing", in the reader's language. */
  readonly title?: string;
  /**
   * Where customers get in again when their token has ended, and what "Back to my account" leads to: a page of the app that
   * hands out a new token to whoever is signed in. Default: the page says to open it from the app.
   */
  readonly account_url?: string;
  /** BCP 47, such as `'de-AT'`. Default: that of the reader's browser, where it is spoken. */
  readonly locale?: string;
  /** What units are called, by meter, in the forms of `Intl.PluralRules`. Default: the name of the meter. */
  readonly units?: Readonly<Partial<Record<Meter, UnitNames>>>;
}

const MAX_TITLE = 100;
const name = z.string().min(1).max(MAX_TITLE);
const unit = z.strictObject({
  title: name.optional(),
  zero: name.optional(),
  one: name.optional(),
  two: name.optional(),
  few: name.optional(),
  many: name.optional(),
  other: name,
});

export const usagePageSchema = z.union(
  [
    z.boolean(),
    z.strictObject({
      title: name.optional(),
      account_url: z
        .string()
        .refine(isPageUrl, "It is not a URL such as 'https://app.example.com'")
        .optional(),
      locale: z.string().refine(isLocale, "It is not a locale such as 'de-AT'").optional(),
      units: z.record(z.string(), unit).optional(),
    }),
  ],
  'It is neither true, false nor an object',
);

function isPageUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function isLocale(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}
