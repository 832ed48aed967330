import { usage } from '../usage.ts';

declare const Bun: {
  serve(options: { port: number; fetch: (request: Request) => Promise<Response> }): unknown;
};

Bun.serve({ port: 3000, fetch: usage.handler });
