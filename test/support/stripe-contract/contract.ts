/**
 * What the installed `stripe` package says about Stripe's API, as data: derived from its types by
 * `generate-contract.ts`, so that it can't drift from them.
 */
export interface StripeContract {
  /** Version of the `stripe` package. */
  readonly version: string;
  readonly routes: readonly ContractRoute[];
  /** Objects that others refer to by name. */
  readonly definitions: Readonly<Record<string, ObjectSchema>>;
  /** The `error` in an answer that refuses. */
  readonly error: Schema;
}

/** One method of the SDK. */
export interface ContractRoute {
  /** Such as `PriceResource.create`. */
  readonly name: string;
  readonly method: string;
  /** Such as `/v1/prices/:id`. */
  readonly path: string;
  /** null: the route takes no parameters. */
  readonly params: Schema | null;
  readonly answer: Schema;
}

/** The shape of a value. Enums are closed: only the words that the SDK knows. */
export type Schema =
  | { readonly kind: 'string' | 'number' | 'boolean' | 'null' | 'decimal' | 'any' }
  /** A field that must not be there. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  | { readonly kind: 'array'; readonly of: Schema }
  | { readonly kind: 'map'; readonly of: Schema }
  /** An object of which any field may be missing. */
  | { readonly kind: 'partial'; readonly of: Schema }
  | { readonly kind: 'union'; readonly of: readonly Schema[] }
  | { readonly kind: 'object'; readonly fields: Fields }
  | { readonly kind: 'ref'; readonly name: string }
  /** A type of a file that was not read: an object that the simulator never shows. */
  | { readonly kind: 'uncovered'; readonly name: string };

export type ObjectSchema = Extract<Schema, { readonly kind: 'object' | 'map' }>;

export type Fields = Readonly<Record<string, { readonly required: boolean; readonly schema: Schema }>>;
