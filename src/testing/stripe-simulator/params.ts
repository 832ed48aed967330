import { parseDecimal } from '../../core/decimal.ts';
import type { FormObject, FormValue } from './form.ts';
import { StripeError } from './stripe-error.ts';

/** Turns a form value into what it means, or refuses it in Stripe's words; `param` is its name for the error. */
export type Reader<T> = (value: FormValue | undefined, param: string) => T;

type Shape = Readonly<Record<string, Reader<unknown>>>;
type Read<S extends Shape> = { readonly [K in keyof S]: ReturnType<S[K]> };

/** Reads all parameters of a request; a parameter outside the shape is refused. */
export function readParams<S extends Shape>(params: FormObject, shape: S): Read<S> {
  return fields(shape)(params, '');
}

/** An object with exactly these fields. */
export function fields<S extends Shape>(shape: S): Reader<Read<S>> {
  return (value, param) => {
    if (value === undefined) throw missing(param);
    if (typeof value === 'string' || isList(value)) throw invalid(param, 'Invalid object', value);
    for (const key of Object.keys(value)) {
      if (!Object.hasOwn(shape, key)) throw unknownParameter(childName(param, key));
    }
    const entries = Object.entries(shape).map(([key, read]) => [
      key,
      read(value[key], childName(param, key)),
    ]);
    // Every field was produced by the reader of that name, which the type system can't follow through entries.
    return Object.fromEntries(entries) as Read<S>;
  };
}

/** Absent stays undefined. */
export function optional<T>(reader: Reader<T>): Reader<T | undefined> {
  return (value, param) => (value === undefined ? undefined : reader(value, param));
}

/** An empty value unsets: null. */
export function emptyable<T>(reader: Reader<T>): Reader<T | null> {
  return (value, param) => (value === '' ? null : reader(value, param));
}

/** A text that is not empty. */
export function text(maxLength = 5_000): Reader<string> {
  return (value, param) => {
    if (value === undefined) throw missing(param);
    if (typeof value !== 'string') throw invalid(param, 'Invalid string', value);
    if (value === '') {
      throw new StripeError(
        `You passed an empty string for '${param}'. We assume empty values are an attempt to unset a parameter; however '${param}' cannot be unset. You should remove '${param}' from your request or supply a non-empty value.`,
        { code: 'parameter_invalid_empty', param },
      );
    }
    if (value.length > maxLength) {
      throw new StripeError(`Invalid string: must be at most ${maxLength} characters`, { param });
    }
    return value;
  };
}

export function integer(minimum = 0, maximum: number = Number.MAX_SAFE_INTEGER): Reader<number> {
  return (value, param) => {
    if (value === undefined) throw missing(param);
    if (typeof value !== 'string' || !/^-?\d{1,15}$/.test(value)) {
      throw invalid(param, 'Invalid integer', value, 'parameter_invalid_integer');
    }
    const number = Number(value);
    if (number < minimum || number > maximum) {
      throw new StripeError(`Invalid value ${value}: must be from ${minimum} to ${maximum}.`, {
        code: 'parameter_invalid_integer',
        param,
      });
    }
    return number;
  };
}

/** A decimal from 0 with at most 12 places, kept as text. */
export function decimal(): Reader<string> {
  return (value, param) => {
    if (value === undefined) throw missing(param);
    const parsed = typeof value === 'string' ? parseDecimal(value) : null;
    if (typeof value !== 'string' || parsed === null || parsed < 0n)
      throw invalid(param, 'Invalid decimal', value);
    return value;
  };
}

export function boolean(): Reader<boolean> {
  return (value, param) => {
    if (value === undefined) throw missing(param);
    if (value !== 'true' && value !== 'false') throw invalid(param, 'Invalid boolean', value);
    return value === 'true';
  };
}

/** One of a closed list of words. */
export function oneOf<const T extends string>(...words: readonly T[]): Reader<T> {
  return (value, param) => {
    if (value === undefined) throw missing(param);
    const word = words.find((candidate) => candidate === value);
    if (word === undefined)
      throw invalid(param, `Invalid ${param}: must be one of ${words.join(', ')}`, value);
    return word;
  };
}

/** The first reader that takes the value; the last one's refusal otherwise. */
export function either<A, B>(first: Reader<A>, second: Reader<B>): Reader<A | B> {
  return (value, param) => {
    try {
      return first(value, param);
    } catch (error) {
      if (!(error instanceof StripeError)) throw error;
      return second(value, param);
    }
  };
}

export function list<T>(reader: Reader<T>, minimum: number, maximum: number): Reader<readonly T[]> {
  return (value, param) => {
    if (value === undefined) throw missing(param);
    if (!isList(value)) throw invalid(param, 'Invalid array', value);
    if (value.length < minimum || value.length > maximum) {
      throw new StripeError(`Array must have from ${minimum} to ${maximum} entries.`, { param });
    }
    return value.map((entry, index) => reader(entry, childName(param, String(index))));
  };
}

/** Texts under the caller's own names. */
export function textMap(): Reader<Readonly<Record<string, string>>> {
  return (value, param) => {
    if (value === undefined) throw missing(param);
    if (typeof value === 'string' || isList(value)) throw invalid(param, 'Invalid object', value);
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => {
        if (typeof entry !== 'string') throw invalid(childName(param, key), 'Invalid string', entry);
        return [key, entry];
      }),
    );
  };
}

const MAX_METADATA_KEYS = 50;
const MAX_METADATA_KEY_LENGTH = 40;
const MAX_METADATA_VALUE_LENGTH = 500;

/** Metadata as sent: an empty value unsets its key, an empty whole unsets all of them (null). */
export function metadata(): Reader<Readonly<Record<string, string>> | null> {
  return emptyable((value, param) => {
    const entries = textMap()(value, param);
    for (const [key, entry] of Object.entries(entries)) {
      if (key.length > MAX_METADATA_KEY_LENGTH || entry.length > MAX_METADATA_VALUE_LENGTH) {
        throw new StripeError(
          `Metadata keys have at most ${MAX_METADATA_KEY_LENGTH} characters and values at most ${MAX_METADATA_VALUE_LENGTH}.`,
          { param: childName(param, key) },
        );
      }
    }
    if (Object.keys(entries).length > MAX_METADATA_KEYS) {
      throw new StripeError(`Metadata can have at most ${MAX_METADATA_KEYS} keys.`, { param });
    }
    return entries;
  });
}

/** What an object's metadata becomes when `change` is applied to it. */
export function changedMetadata(
  before: Readonly<Record<string, string>>,
  change: Readonly<Record<string, string>> | null | undefined,
): Readonly<Record<string, string>> {
  if (change === null) return {};
  const merged = Object.entries({ ...before, ...change });
  return Object.fromEntries(merged.filter(([, value]) => value !== ''));
}

function isList(value: FormValue): value is readonly FormValue[] {
  return Array.isArray(value);
}

function childName(param: string, key: string): string {
  return param === '' ? key : `${param}[${key}]`;
}

function missing(param: string): StripeError {
  return new StripeError(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
}

function unknownParameter(param: string): StripeError {
  return new StripeError(`Received unknown parameter: ${param} (or one that the simulator does not know).`, {
    code: 'parameter_unknown',
    param,
  });
}

function invalid(param: string, what: string, value: FormValue, code?: string): StripeError {
  const shown = typeof value === 'string' ? `: ${value}` : '';
  return new StripeError(`${what}${shown}`, { param, ...(code === undefined ? {} : { code }) });
}
