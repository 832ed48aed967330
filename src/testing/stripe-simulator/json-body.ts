import type { FormObject, FormValue } from './form.ts';
import { StripeError } from './stripe-error.ts';

const MAX_DEPTH = 8;

/**
 * Decodes the body of a request to version 2 of the API, which is JSON, as if it were a form: its leaves become texts.
 *
 * @throws StripeError 400 for a body that is no JSON object, or is nested too deeply.
 */
export function parseJsonBody(body: string): FormObject {
  const value = asForm(parse(body), 0);
  if (typeof value === 'object' && !Array.isArray(value)) return value as FormObject;
  throw new StripeError('The body is not a JSON object.');
}

function parse(body: string): unknown {
  if (body === '') return {};
  try {
    return JSON.parse(body);
  } catch {
    throw new StripeError('The body is not valid JSON.');
  }
}

function asForm(value: unknown, depth: number): FormValue {
  if (depth > MAX_DEPTH) throw new StripeError('The body is nested too deeply.');
  if (Array.isArray(value)) return value.map((entry) => asForm(entry, depth + 1));
  if (typeof value !== 'object' || value === null) return value === null ? '' : String(value);
  const object: Record<string, FormValue> = Object.create(null);
  for (const [key, entry] of Object.entries(value)) object[key] = asForm(entry, depth + 1);
  return object;
}
