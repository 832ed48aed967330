import type { Failed } from './billing-provider.ts';
import type { Catalogue, CatalogueChange } from './catalogue.ts';
import type { PriceReference } from './plan.ts';

/** The part of Stripe that says what is sold. */
export interface CatalogueProvider {
  /**
   * All meters, the prices that are referred to, whether they are active or not, the active prices of the products that
   * `push` makes for the plans, and the products of all these prices. Never from memory.
   */
  readCatalogue(params: ReadCatalogueParams): Promise<ReadCatalogueResult>;
  /** All meters, and the recurring prices that are active, with their products. */
  listCatalogue(): Promise<ListCatalogueResult>;
  /** Does one thing. What it makes, it makes once for a key: repeated, Stripe gives its first answer again. */
  applyChange(params: ApplyChangeParams): Promise<ApplyChangeResult>;
}

export interface ReadCatalogueParams {
  readonly references: readonly PriceReference[];
  readonly plans: readonly string[];
}

export type ReadCatalogueResult = { readonly outcome: 'read'; readonly catalogue: Catalogue } | Failed;

export type ListCatalogueResult =
  | {
      readonly outcome: 'read';
      readonly catalogue: Catalogue;
      /** There are more prices than are read. */
      readonly truncated: boolean;
    }
  | Failed;

export interface ApplyChangeParams {
  readonly change: CatalogueChange;
  readonly idempotency_key: string;
}

export type ApplyChangeResult = { readonly outcome: 'done' } | Failed;
