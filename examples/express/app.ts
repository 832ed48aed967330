import express from 'express';
import { toNodeHandler } from 'tallybook/node';
import { usage } from '../usage.ts';

export const app = express();

// Ahead of body parsers: what they have read is gone.
app.use('/billing', toNodeHandler(usage.handler));
app.use(express.json());
