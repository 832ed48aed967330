import { createUsage } from 'tallybook';

export const usage = createUsage({
  database: process.env['DATABASE_URL'] ?? 'usage.db',
  meters: { credits: {} },
  // Next.js passes on the whole path.
  http: { base_path: '/api/billing' },
});
