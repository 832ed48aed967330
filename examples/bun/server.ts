import { usage } from './tallybook.config.ts';

process.once('SIGTERM', async () => {
  await usage.close();
  process.exit();
});

// Bun serves what a module exports by default.
export default { port: Number(process.env['PORT'] ?? 3000), fetch: usage.handler };
