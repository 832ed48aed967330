import { createUsage } from 'tallybook';

export const usage = createUsage({
  database: process.env['DATABASE_URL'] ?? 'usage.db',
  stripe: {
    secret_key: process.env['STRIPE_SECRET_KEY'],
    webhook_secret: process.env['STRIPE_WEBHOOK_SECRET'],
  },
  meters: { credits: {} },
});
