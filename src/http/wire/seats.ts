import { z } from '@hono/zod-openapi';
import { account } from './common.ts';
import { interval, price } from './price.ts';
import { seats } from './subscription.ts';

export const seatsResult = z
  .strictObject({
    account: z.string(),
    seats: z.int(),
    pending_seats: z.int().nullable().openapi({
      description: 'What a change under way makes of them; null = none is. They are billed once it is null',
    }),
    interval,
    price,
  })
  .openapi('Seats');

export const seatsSetting = z
  .strictObject({
    account,
    seats,
    expected: seats.optional().openapi({
      description: 'How many there are now; with another number the request is refused as `seats_changed`',
    }),
  })
  .openapi('SeatsSetting');

export const seatsAdded = z
  .strictObject({
    account,
    seats: z.int().min(-1_000_000).max(1_000_000).openapi({
      description: 'How many join, or leave (negative); not 0',
    }),
  })
  .openapi('SeatsAdded');
