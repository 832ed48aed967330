import type { Metadata } from './records.ts';

/** A webhook endpoint as it was made; events are delivered to the one of the simulator's options only. */
export interface WebhookEndpointRecord {
  readonly id: string;
  readonly created: number;
  readonly url: string;
  readonly description: string | null;
  readonly enabled_events: readonly string[];
  readonly status: 'enabled' | 'disabled';
  readonly metadata: Metadata;
}

/** An event destination of version 2 of the API, which thin events need. */
export interface EventDestinationRecord {
  readonly id: string;
  readonly created: number;
  readonly updated: number;
  readonly name: string;
  readonly description: string;
  readonly event_payload: 'snapshot' | 'thin';
  readonly enabled_events: readonly string[];
  readonly status: 'enabled' | 'disabled';
  readonly url: string;
}

/** What customers may do in the portal. */
export interface PortalConfigurationRecord {
  readonly id: string;
  readonly created: number;
  readonly updated: number;
  readonly active: boolean;
  readonly is_default: boolean;
  readonly name: string | null;
  readonly default_return_url: string | null;
  readonly metadata: Metadata;
  readonly business_profile: {
    readonly headline: string | null;
    readonly privacy_policy_url: string | null;
    readonly terms_of_service_url: string | null;
  };
  readonly login_page: boolean;
  readonly features: PortalFeatures;
}

export interface PortalFeatures {
  readonly customer_update: { readonly enabled: boolean; readonly allowed_updates: readonly string[] };
  readonly invoice_history: { readonly enabled: boolean };
  readonly payment_method_update: { readonly enabled: boolean };
  readonly subscription_cancel: {
    readonly enabled: boolean;
    readonly mode: 'at_period_end' | 'immediately';
    readonly proration_behavior: 'none' | 'create_prorations' | 'always_invoice';
    readonly cancellation_reason: { readonly enabled: boolean; readonly options: readonly string[] };
  };
  readonly subscription_update: {
    readonly enabled: boolean;
    readonly default_allowed_updates: readonly string[];
    readonly products: readonly { readonly product: string; readonly prices: readonly string[] }[];
    readonly proration_behavior: 'none' | 'create_prorations' | 'always_invoice';
  };
}
