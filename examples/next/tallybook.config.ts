import { createUsage } from 'tallybook';

export const usage = createUsage({
  // `next start` is production, where a relative path is refused: whose directory would it be in?
  database: process.env.DATABASE_URL ?? 'usage.db',
  stripe: {
    secret_key: process.env.STRIPE_SECRET_KEY,
    webhook_secret: process.env.STRIPE_WEBHOOK_SECRET,
  },
  meters: { credits: {} },
  plans: {
    free: { prices: [], limits: { credits: 100 } },
    pro: {
      prices: [
        {
          currency: 'usd',
          interval: 'month',
          meter: 'credits',
          tiers_mode: 'volume',
          tiers: [
            { up_to: 1_000, unit_amount_decimal: '2' },
            { up_to: 'inf', unit_amount_decimal: '1.5' },
          ],
        },
      ],
    },
  },
  // Next.js passes on the whole path.
  http: { base_path: '/api/billing', token_secret: process.env.TOKEN_SECRET },
});
