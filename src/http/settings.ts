import type { CloudEventRule } from './cloud-events.ts';
import type { RateLimitSettings } from './rate-limit.ts';
import type { UsagePageSettings } from './usage-page.ts';

/** How `usage.handler` behaves, checked and with defaults. */
export interface HttpSettings {
  /** What stands before every path; empty = nothing. */
  readonly base_path: string;
  /** null = there are no browser tokens. */
  readonly token_secret: string | null;
  /** Origins of the app's pages: they may read answers, and customers may be sent back to them. */
  readonly allowed_origins: ReadonlySet<string>;
  readonly rate_limits: RateLimitSettings;
  /** Header in which a trusted proxy names the client's address; null = it is that of the connection. */
  readonly client_ip_header: string | null;
  /** null = the customer's usage page is not served. */
  readonly usage_page: UsagePageSettings | null;
  readonly cloud_events: ReadonlyMap<string, CloudEventRule>;
}
