import type { Fields, Schema, StripeContract } from './contract.ts';

/** Why a value does not fit; `depth` tells how far it fitted. */
export interface Failure {
  readonly depth: number;
  readonly text: string;
}

/** Fields whose number may have a fraction; all other numbers in Stripe's parameters are whole. */
const FRACTIONS = /percent|^(height|length|weight|width)$/;
const DECIMAL = /^-?\d+(\.\d{1,12})?$/;

/** Compares values with schemas. In parameters every leaf is a text, because a form has no other type. */
export class SchemaCheck {
  readonly #definitions: StripeContract['definitions'];
  readonly #isForm: boolean;

  constructor(definitions: StripeContract['definitions'], side: 'params' | 'answer') {
    this.#definitions = definitions;
    this.#isForm = side === 'params';
  }

  /** The first thing that is wrong with the value; null: it fits. */
  failure(schema: Schema, value: unknown, path: string): Failure | null {
    switch (schema.kind) {
      case 'ref':
        return this.#named(schema.name, value, path);
      case 'object':
        return this.#object(schema.fields, value, path);
      case 'map':
        return this.#entries(schema.of, value, path);
      case 'partial':
        return this.#partial(schema.of, value, path);
      case 'array':
        return this.#array(schema.of, value, path);
      case 'union':
        return this.#union(schema.of, value, path);
      case 'uncovered':
        return fail(path, `is a ${schema.name}, which the contract does not cover`);
      default:
        return this.#isLeaf(schema, value, path)
          ? null
          : fail(path, `${show(value)} is not ${describe(schema)}`);
    }
  }

  #named(name: string, value: unknown, path: string): Failure | null {
    const definition = this.#definitions[name];
    return definition ? this.failure(definition, value, path) : fail(path, `has the unknown type ${name}`);
  }

  #object(fields: Fields, value: unknown, path: string): Failure | null {
    if (!isRecord(value)) return fail(path, `${show(value)} is not an object`);
    for (const [name, field] of Object.entries(fields)) {
      const entry = value[name];
      const failure =
        entry === undefined
          ? field.required && fail(`${path}.${name}`, 'is missing')
          : this.failure(field.schema, entry, `${path}.${name}`);
      if (failure) return failure;
    }
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
    return unknown === undefined ? null : fail(`${path}.${unknown}`, 'is unknown');
  }

  #partial(of: Schema, value: unknown, path: string): Failure | null {
    const whole = of.kind === 'ref' ? this.#definitions[of.name] : of;
    if (whole?.kind !== 'object') return this.failure(of, value, path);
    const fields = Object.entries(whole.fields).map(([name, field]) => [name, { ...field, required: false }]);
    return this.#object(Object.fromEntries(fields), value, path);
  }

  #entries(of: Schema, value: unknown, path: string): Failure | null {
    if (typeof value !== 'object' || value === null) return fail(path, `${show(value)} is not an object`);
    return first(Object.entries(value), ([name, entry]) => this.failure(of, entry, `${path}.${name}`));
  }

  #array(of: Schema, value: unknown, path: string): Failure | null {
    if (!Array.isArray(value)) return fail(path, `${show(value)} is not an array`);
    return first([...value.entries()], ([index, entry]) => this.failure(of, entry, `${path}[${index}]`));
  }

  /** Of several shapes that don't fit, the one that fitted furthest tells best what is wrong. */
  #union(schemas: readonly Schema[], value: unknown, path: string): Failure | null {
    const failures: Failure[] = [];
    for (const schema of schemas) {
      const failure = this.failure(schema, value, path);
      if (!failure) return null;
      failures.push(failure);
    }
    const furthest = failures.reduce((best, failure) => (failure.depth > best.depth ? failure : best));
    return furthest.depth > depthOf(path)
      ? furthest
      : fail(path, `${show(value)} is not ${schemas.map(describe).join(' or ')}`);
  }

  #isLeaf(schema: Schema, value: unknown, path: string): boolean {
    switch (schema.kind) {
      case 'any':
        return true;
      case 'absent':
        return value === undefined;
      case 'null':
        return this.#isForm ? value === '' : value === null;
      case 'string':
        return typeof value === 'string';
      case 'decimal':
        return typeof value === 'string' && DECIMAL.test(value);
      case 'literal':
        return this.#isForm ? value === String(schema.value) : value === schema.value;
      case 'boolean':
        return this.#isForm ? value === 'true' || value === 'false' : typeof value === 'boolean';
      case 'number':
        return this.#isForm ? isFormNumber(value, path) : typeof value === 'number' && Number.isFinite(value);
      default:
        return false;
    }
  }
}

function isFormNumber(value: unknown, path: string): boolean {
  const name = path.slice(path.lastIndexOf('.') + 1);
  return typeof value === 'string' && (FRACTIONS.test(name) ? DECIMAL : /^-?\d+$/).test(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function first<T>(entries: readonly T[], check: (entry: T) => Failure | null): Failure | null {
  for (const entry of entries) {
    const failure = check(entry);
    if (failure) return failure;
  }
  return null;
}

function fail(path: string, problem: string): Failure {
  return { depth: depthOf(path), text: `${path} ${problem}` };
}

function depthOf(path: string): number {
  return path.split(/[.[]/).length;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function describe(schema: Schema): string {
  if (schema.kind === 'literal') return JSON.stringify(schema.value);
  if (schema.kind === 'ref') return schema.name;
  if (schema.kind === 'uncovered') return `a ${schema.name} (which the contract does not cover)`;
  if (schema.kind === 'union') return schema.of.map(describe).join(' or ');
  return schema.kind;
}
