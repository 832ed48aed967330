import { z } from '@hono/zod-openapi';
import { ERRORS, type UsageErrorCode } from '../../core/errors.ts';

/** A list as answers have it. */
export function list<Item extends z.ZodType>(item: Item) {
  return z.array(item).readonly();
}

/** Or null. Of a schema with a name, `nullable()` would change what the document has under that name. */
export function orNull<Schema extends z.ZodType>(schema: Schema) {
  return z.union([schema, z.null()]);
}

export const instant = z.iso
  .datetime({ precision: 3 })
  .openapi({ description: 'ISO 8601 in UTC with milliseconds', example: '2026-10-10T12:00:00.000Z' });

export const count = z.int();
export const quantity = z.int().openapi({ description: 'Units' });

export const accountId = z
  .string()
  .min(1)
  .max(255)
  .openapi({ description: "The app's own id of the account", example: 'acct_1' });

/** Left out by whoever can mean one account only. */
export const account = accountId.optional().openapi({
  description: 'Id of the account. Default: the one that the key or the token is restricted to',
});

export const meter = z
  .string()
  .min(1)
  .max(100)
  .openapi({ description: 'Name of the meter. Default: the only one, or the default', example: 'credits' });

export const dateInput = z.string().min(1).max(64).openapi({
  description: "'2026-10-10' (UTC midnight) or an ISO 8601 instant with its zone",
  example: '2026-10-10',
});

export const reason = z.string().min(1).max(500).openapi({ description: 'Why. Kept for good' });
export const actor = z
  .string()
  .min(1)
  .max(200)
  .openapi({ description: 'Who decides it; the key that is used is named beside it' });

/** In a query, everything is text. */
export const limit = z
  .string()
  .regex(/^[1-9]\d{0,3}$/, 'It is not a whole number from 1 to 1,000')
  .transform(Number)
  .pipe(z.int().max(1_000))
  .optional()
  .openapi({ type: 'integer', minimum: 1, maximum: 1_000, description: 'Default: 100' });

export const after = z.string().min(1).max(1_024).optional().openapi({
  description: 'The `next` of the page before',
});

export const next = z.string().nullable().openapi({
  description: 'Pass as `after` for the next page; null = this was the last',
});

export const errorCodes = Object.keys(ERRORS) as [UsageErrorCode, ...UsageErrorCode[]];

export const problem = z
  .strictObject({
    type: z
      .string()
      .openapi({ description: 'Where the code is described', example: '/reference#rate_limited' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(errorCodes),
    field: z.string().optional().openapi({ description: 'The parameter or header that it is about' }),
    remedy: z.string(),
    request_id: z.string(),
  })
  .openapi('Problem');
