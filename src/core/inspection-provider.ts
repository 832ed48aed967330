import type { Catalogue } from './catalogue.ts';
import type { ReadCatalogueParams } from './catalogue-provider.ts';
import type { Instant } from './environment.ts';

/** What `doctor` looks at, beyond what billing needs. Each reading is bounded by a number that it is told, or small. */
export interface InspectionProvider {
  inspectAccount(): Promise<Inspection<InspectedAccount>>;
  /** As `readCatalogue`, which does not say why Stripe could not be read. */
  inspectCatalogue(params: ReadCatalogueParams): Promise<Inspection<Catalogue>>;
  inspectEndpoints(): Promise<Inspection<readonly InspectedEndpoint[]>>;
  inspectPortals(): Promise<Inspection<readonly InspectedPortal[]>>;
  /** Of the last invoices of billing periods, how long they were open, or are to be, in milliseconds. */
  inspectDrafts(): Promise<Inspection<readonly number[]>>;
  inspectSubscriptions(params: {
    readonly stripe_customer: string;
  }): Promise<Inspection<readonly InspectedSubscription[]>>;
}

/**
 * `denied`: the key is not taken (401), or lacks the permission (403). `refused`: Stripe will not tell, as of a customer that
 * it does not know. `failed`: Stripe could not be read.
 */
export type Inspection<Value> =
  | { readonly outcome: 'read'; readonly value: Value }
  | { readonly outcome: 'denied'; readonly status: 401 | 403; readonly message: string }
  | { readonly outcome: 'refused' | 'failed'; readonly message: string };

export interface InspectedAccount {
  /** `acct_…` */
  readonly stripe_account: string;
  /** Stripe's time when it answered; null = it did not say. */
  readonly answered_at: Instant | null;
  /** The version of Stripe's API that the installed `stripe` package asks for. */
  readonly api_version: string;
}

export interface InspectedEndpoint {
  /** `we_…` or `ed_…` */
  readonly endpoint: string;
  readonly payload: 'snapshot' | 'thin';
  readonly enabled: boolean;
  /** `*` = every type. */
  readonly enabled_events: readonly string[];
}

export interface InspectedPortal {
  /** `bpc_…` */
  readonly configuration: string;
  readonly is_default: boolean;
  /** Customers can switch to another price themselves. */
  readonly switches_prices: boolean;
  /** Customers can end a subscription at once themselves. */
  readonly cancels_immediately: boolean;
}

export interface InspectedSubscription {
  readonly stripe_subscription: string;
  /** `classic` or `flexible`. */
  readonly billing_mode: string;
  /** The items that bill a meter: their ids and the meters' event names. */
  readonly metered_items: readonly {
    readonly stripe_subscription_item: string;
    readonly event_name: string;
  }[];
}
