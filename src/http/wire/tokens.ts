import { z } from '@hono/zod-openapi';
import { account, instant } from './common.ts';

export const newToken = z
  .strictObject({ account, expires_in_s: z.int().min(1).max(900).optional() })
  .openapi('NewToken');

export const tokenResult = z
  .strictObject({ token: z.string(), token_id: z.string(), account: z.string(), expires_at: instant })
  .openapi('Token');

export const tokenRevocation = z
  .strictObject({ account, token_id: z.string().min(1).max(255).optional() })
  .openapi('TokenRevocation');
