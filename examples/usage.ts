import { createUsage } from 'tallybook';

export const usage = createUsage({
  database: process.env['DATABASE_URL'] ?? 'usage.db',
  meters: { credits: {} },
});
