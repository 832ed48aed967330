import express from 'express';
import { toNodeHandler } from 'tallybook/node';
import { usage } from './tallybook.config.ts';

const app = express();

// Ahead of body parsers: what they have read is gone.
app.use('/billing', toNodeHandler(usage.handler));
app.use(express.json());

const server = app.listen(Number(process.env['PORT'] ?? 3000));

process.once('SIGTERM', () => server.close(() => usage.close()));
