import Fastify from 'fastify';
import { toNodeHandler } from 'tallybook/node';
import { usage } from './tallybook.config.ts';

const app = Fastify();

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

await app.listen({ port: Number(process.env['PORT'] ?? 3000) });

process.once('SIGTERM', async () => {
  await app.close();
  await usage.close();
});
