import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { usage } from './tallybook.config.ts';

const app = new Hono();

app.mount('/billing', usage.handler);

const server = serve({ fetch: app.fetch, port: Number(process.env['PORT'] ?? 3000) });

process.once('SIGTERM', () => server.close(() => usage.close()));
