import type { Clock } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import { formatInstant } from '../core/instant.ts';
import type { Store } from '../core/store.ts';
import { parseFields } from '../core/usage-event.ts';
import type { WebhookEvent, WebhookEventStatus } from '../core/webhook-event.ts';

/** An event of Stripe's as `usage.webhooks` answers it. */
export interface WebhookEventResult {
  /** `evt_…` */
  readonly event: string;
  /** Such as `invoice.created`. */
  readonly type: string;
  /** Whom it is about; null = no customer. */
  readonly stripe_customer: string | null;
  /** `pending`: waits for the worker. `handled`: done. `parked`: failed too often, waits for `retry`. */
  readonly status: WebhookEventStatus;
  /** How often handling it failed. */
  readonly attempts: number;
  /** Why it failed last; null = it did not. */
  readonly last_error: string | null;
  /** ISO 8601 in UTC. */
  readonly received_at: string;
  /** null = not yet. */
  readonly handled_at: string | null;
}

/** Parameters of `usage.webhooks.list`. */
export interface ListWebhooksParams {
  /** Default: any. */
  readonly status?: WebhookEventStatus;
  /** `next` of the page before. */
  readonly after?: string;
  /** 1 to 1,000; default 100. */
  readonly limit?: number;
}

export interface WebhooksPage {
  readonly events: readonly WebhookEventResult[];
  /** Pass as `after` for the next page; null = this was the last. */
  readonly next: string | null;
}

const LIST_FIELDS = new Set(['status', 'after', 'limit']);
const RETRY_FIELDS = new Set(['event']);
const STATUSES: readonly WebhookEventStatus[] = ['pending', 'handled', 'parked'];
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
const MAX_ID_LENGTH = 255;

/** The methods behind `usage.webhooks`. */
export function createWebhooks({ store, clock }: { readonly store: Store; readonly clock: Clock }) {
  return {
    async list(params: unknown = {}): Promise<WebhooksPage> {
      const { status, after, limit = DEFAULT_LIMIT } = parseFields(params, LIST_FIELDS);
      if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
        const reason = `It is a whole number from 1 to ${MAX_LIMIT}.`;
        throw new UsageError('invalid_parameter', { field: 'limit', value: limit, reason });
      }
      const wanted = STATUSES.find((candidate) => candidate === status) ?? null;
      if (status !== undefined && wanted === null) {
        const reason = `It is one of ${STATUSES.join(', ')}.`;
        throw new UsageError('invalid_parameter', { field: 'status', value: status, reason });
      }
      const first = after === undefined ? null : parseEventId(after, 'after');
      const events = await store.listWebhookEvents({ status: wanted, after: first, limit });
      const next = events.length === limit ? (events.at(-1)?.event_id ?? null) : null;
      return { events: events.map(toResult), next };
    },

    async retry(params: unknown): Promise<void> {
      const event_id = parseEventId(parseFields(params, RETRY_FIELDS)['event'], 'event');
      if (await store.retryWebhookEvent({ event_id, now: clock.now() })) return;
      throw new UsageError('webhook_event_not_parked', { field: 'event', value: event_id });
    },
  };
}

function parseEventId(value: unknown, field: string): string {
  if (typeof value === 'string' && /^\w+$/.test(value) && value.length <= MAX_ID_LENGTH) return value;
  const reason = 'It is the id of an event of Stripe’s: evt_….';
  throw new UsageError('invalid_parameter', { field, value, reason });
}

function toResult(event: WebhookEvent): WebhookEventResult {
  const { event_id, type, stripe_customer, status, attempts, last_error, received_at, handled_at } = event;
  return {
    event: event_id,
    type,
    stripe_customer,
    status,
    attempts,
    last_error,
    received_at: formatInstant(received_at),
    handled_at: handled_at === null ? null : formatInstant(handled_at),
  };
}
