import Fastify from 'fastify';
import { toNodeHandler } from 'tallybook/node';
import { usage } from '../usage.ts';

export const app = Fastify();

const handle = toNodeHandler(usage.handler);

// In a scope of its own, where bodies are left to the handler. `http: { base_path: '/billing' }` would do as well.
app.register(async (billing) => {
  billing.removeAllContentTypeParsers();
  billing.addContentTypeParser('*', (_request, _payload, done) => done(null));
  billing.all('/billing/*', async (request, reply) => {
    reply.hijack();
    request.raw.url = request.raw.url?.replace('/billing', '') ?? '/';
    await handle(request.raw, reply.raw);
  });
});
