import { StripeError } from './stripe-error.ts';

/** A decoded form value: texts only, because a form has no other type. */
export type FormValue = string | readonly FormValue[] | FormObject;

export interface FormObject {
  readonly [key: string]: FormValue;
}

export function isFormObject(value: FormValue | undefined): value is FormObject {
  return typeof value === 'object' && !Array.isArray(value);
}

const NAME = /^([^[\]]+)((?:\[[^[\]]*\])*)$/;
const MAX_DEPTH = 8;
const MAX_PARAMETERS = 5_000;
/** Their keys are the caller's own words, so `metadata[0]` is an entry named 0 and not a list. */
const FREE_OBJECTS: readonly string[] = ['metadata', 'payload'];

type Node = Map<string, Node | string>;

/**
 * Decodes a query or a form body in Stripe's bracket notation: `tiers[0][up_to]=10`, `expand[]=data.customer`.
 * Names become objects without a prototype, so that a parameter called `__proto__` is only that.
 *
 * @throws StripeError 400 for a name that is not well-formed or contradicts another.
 */
export function parseForm(text: string): FormObject {
  const root: Node = new Map();
  let count = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    count += 1;
    if (count > MAX_PARAMETERS) throw new StripeError('Too many parameters.');
    insert(root, name, value);
  }
  return toObject(root);
}

function insert(root: Node, name: string, value: string): void {
  const path = segments(name);
  let node = root;
  path.forEach((segment, depth) => {
    const key = segment === '' ? String(node.size) : segment;
    if (depth === path.length - 1) {
      node.set(key, value);
      return;
    }
    const child = node.get(key) ?? new Map();
    if (typeof child === 'string') throw invalidName(name);
    node.set(key, child);
    node = child;
  });
}

function segments(name: string): string[] {
  const match = NAME.exec(name);
  const [, first = '', rest = ''] = match ?? [];
  const path = [
    first,
    ...rest
      .split('[')
      .slice(1)
      .map((part) => part.slice(0, -1)),
  ];
  if (!match || path.length > MAX_DEPTH) throw invalidName(name);
  return path;
}

function toValue(node: Node | string, name: string): FormValue {
  if (typeof node === 'string') return node;
  const isList = node.size > 0 && [...node.keys()].every((key, index) => key === String(index));
  if (!isList || FREE_OBJECTS.includes(name)) return toObject(node);
  return [...node].map(([key, child]) => toValue(child, key));
}

function toObject(node: Node): FormObject {
  const object: Record<string, FormValue> = Object.create(null);
  for (const [key, child] of node) object[key] = toValue(child, key);
  return object;
}

function invalidName(name: string): StripeError {
  return new StripeError(`Invalid parameter name: ${name}`, { code: 'parameter_unknown', param: name });
}
