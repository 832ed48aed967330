export { ar } from './ar.ts';
export { de } from './de.ts';
export { en } from './en.ts';
export { ja } from './ja.ts';
export type { Interval, NextTierWords, Texts } from './texts.ts';
