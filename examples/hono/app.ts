import { Hono } from 'hono';
import { usage } from '../usage.ts';

export const app = new Hono();

app.mount('/billing', usage.handler);
