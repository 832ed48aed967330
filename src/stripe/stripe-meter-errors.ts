import type { Stripe } from 'stripe';
import { z } from 'zod';
import type { Instant } from '../core/environment.ts';
import { type MeterErrors, reportIdentifierOf } from '../core/meter-errors.ts';

/** Stripe's examples are few; a report with more is not one. */
const MAX_SAMPLES = 1_000;

/** One example in the documentation spells the sample's `identifier` as `idempotency_key`: both are read. */
const sample = z.looseObject({
  error_message: z.string().optional(),
  request: z
    .looseObject({ identifier: z.string().optional(), idempotency_key: z.string().optional() })
    .optional(),
});
const eventSchema = z.looseObject({
  data: z.looseObject({
    validation_start: z.string().optional(),
    validation_end: z.string().optional(),
    reason: z.looseObject({
      error_count: z.number().int().min(0),
      error_types: z.array(
        z.looseObject({ code: z.string(), sample_errors: z.array(sample).max(MAX_SAMPLES).optional() }),
      ),
    }),
  }),
});

/** Fetches a thin event, which tells only when it is asked which meter events were rejected. */
export async function readMeterErrors(stripe: Stripe, event_id: string): Promise<MeterErrors> {
  const parsed = eventSchema.safeParse(await stripe.v2.core.events.retrieve(event_id));
  if (!parsed.success)
    throw new Error('The event does not tell of meter errors in the way that is known here.');
  const { reason, validation_start, validation_end } = parsed.data.data;
  return {
    error_count: reason.error_count,
    validated_from: instantOf(validation_start),
    validated_until: instantOf(validation_end),
    samples: reason.error_types.flatMap(({ code, sample_errors = [] }) =>
      sample_errors.map(({ error_message, request }) => ({
        code,
        message: error_message ?? code,
        identifier: reportIdentifierOf(request?.identifier ?? request?.idempotency_key ?? ''),
      })),
    ),
  };
}

function instantOf(text: string | undefined): Instant | null {
  const instant = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(instant) ? null : instant;
}
