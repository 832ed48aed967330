import { z } from 'zod';
import { SECOND_MS } from '../core/instant.ts';
import type { ReceiveWebhookEventParams } from '../core/webhook-event.ts';
import { ACCOUNT_KEY } from './metadata-keys.ts';

/** What the receiver needs of an event. */
export interface StripeEvent extends Omit<ReceiveWebhookEventParams, 'received_at'> {
  readonly livemode: boolean;
}

const id = z.string().min(1).max(255);
/** Where an object was expanded its id is inside. */
const reference = z.union([id, z.looseObject({ id }).transform((object) => object.id)]);

const metadata = z.looseObject({ [ACCOUNT_KEY]: z.string().max(255).nullish() });

const snapshot = z.looseObject({
  object: z.literal('event'),
  id,
  type: id,
  livemode: z.boolean(),
  created: z.number().int().min(0),
  data: z.looseObject({
    object: z.looseObject({ id: id.nullish(), customer: reference.nullish(), metadata: metadata.nullish() }),
  }),
});
const thin = z.looseObject({
  object: z.literal('v2.core.event'),
  id,
  type: id,
  livemode: z.boolean(),
  created: z.iso.datetime({ offset: true }),
  related_object: z.looseObject({ id }).nullish(),
});
const schema = z.discriminatedUnion('object', [snapshot, thin]);

/** Reads the body of a webhook, whose signature has been verified; null = it is no event, snapshot or thin. */
export function parseStripeEvent(body: string): StripeEvent | null {
  const parsed = schema.safeParse(parseJson(body));
  if (!parsed.success) return null;
  const event = parsed.data;
  const common = { event_id: event.id, type: event.type, livemode: event.livemode };
  if (event.object === 'v2.core.event') {
    return {
      ...common,
      created_at: Date.parse(event.created),
      stripe_customer: null,
      object_id: event.related_object?.id ?? null,
    };
  }
  const { object } = event.data;
  return {
    ...common,
    created_at: event.created * SECOND_MS,
    stripe_customer: object.customer ?? null,
    account_id: object.metadata?.[ACCOUNT_KEY] ?? null,
    object_id: object.id ?? null,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
