import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Stripe } from 'stripe';
import { z } from 'zod';
import { UsageError } from '../../../core/errors.ts';
import { DAY_MS, formatInstant, HOUR_MS } from '../../../core/instant.ts';
import { oneLine } from '../../command-error.ts';
import type { AccountPages } from '../account-pages.ts';
import type { DemoUsage } from '../demo.ts';
import type { DevClock } from '../dev-clock.ts';
import type { Imports } from '../import/imports.ts';
import { UsageFileError } from '../import/usage-file-error.ts';
import { listInvoices } from '../invoices.ts';
import type { Journey } from '../journey.ts';
import { mountCustomerApi } from './customer-api.ts';
import { HttpError } from './http-error.ts';
import { readJson } from './json-body.ts';
import { originGuard } from './origin-guard.ts';
import { readPageFiles } from './page-files.ts';

export interface WebAppContext {
  readonly usage: DemoUsage;
  readonly stripe: Stripe;
  readonly clock: DevClock;
  readonly journey: Journey;
  readonly accounts: AccountPages;
  readonly imports: Imports;
  readonly stripe_url: string;
  /** With which usage is recorded over the API, by whoever reaches this machine. */
  readonly api_key: string;
}

/** Stripe finalises the invoice an hour after the period's end; an hour more, and everything has happened. */
const AFTER_PERIOD_END_MS = 2 * HOUR_MS;
const MAX_FILE_NAME = 255;
/** Of the HTTP API; here they need no key. */
const RECORDING_PATHS = ['/v1/usage', '/v1/usage/batch'];

const move = z.strictObject({ to: z.enum(['hour', 'day', 'period_end']) });

/** The pages and the API of `tallybook dev`. */
export function createWebApp(context: WebAppContext): Hono {
  const app = new Hono();
  app.use(originGuard);
  for (const [path, { type, body }] of readPageFiles()) {
    app.get(path, (c) => c.body(body, 200, { 'Content-Type': type }));
  }
  app.get('/api/state', async (c) => c.json(await stateOf(context, c.req.query('after') ?? null)));
  app.get('/api/invoices', async (c) =>
    c.json({ invoices: await listInvoices(context.usage, context.stripe) }),
  );
  app.post('/api/clock', async (c) => c.json(await moveClock(context, await readJson(c.req.raw)), 202));
  app.post('/api/imports', async (c) => c.json(await importBody(context, c)));
  mountCustomerApi(app, context);
  app.on('POST', RECORDING_PATHS, (c) => record(context, c.req.raw));
  for (const { path } of [...app.routes]) {
    if (path === '/*') continue;
    app.all(path, () => {
      throw new HttpError(405, 'method_not_allowed', 'The path does not take this method.', 'See the page.');
    });
  }
  app.notFound(() => {
    throw new HttpError(404, 'not_found', 'There is nothing at this path.', 'Open the page at /.');
  });
  app.onError((error, c) => answerError(error, c));
  return app;
}

/** As the HTTP API answers it. The request itself is passed on: a copy would have to read a body of any size. */
async function record({ usage, api_key }: WebAppContext, request: Request): Promise<Response> {
  request.headers.set('authorization', `Bearer ${api_key}`);
  const answer = await usage.handler(request);
  // The headers of an answer may be fixed, and the page's policy is added to them.
  return new Response(answer.body, answer);
}

async function stateOf(
  { clock, journey, accounts, imports, stripe_url }: WebAppContext,
  after: string | null,
) {
  const { progress } = journey;
  return {
    clock: {
      now: formatInstant(clock.now()),
      moving: progress && { from: formatInstant(progress.from), to: formatInstant(progress.to) },
    },
    stripe_url,
    ...(await accounts.page(after)),
    imports: imports.states,
  };
}

async function moveClock({ clock, journey, accounts }: WebAppContext, body: unknown) {
  const parsed = move.safeParse(body);
  if (!parsed.success) {
    const remedy = 'Send {"to":"hour"}, {"to":"day"} or {"to":"period_end"}.';
    throw new HttpError(400, 'invalid_parameter', 'It is not clear where to move the clock.', remedy);
  }
  const from = clock.now();
  const to =
    parsed.data.to === 'period_end'
      ? (await accounts.currentPeriod()).end + AFTER_PERIOD_END_MS
      : from + (parsed.data.to === 'day' ? DAY_MS : HOUR_MS);
  const journeyEnd = journey.start(to);
  if (!journeyEnd) {
    throw new HttpError(
      409,
      'clock_moving',
      'The clock is being moved already.',
      'Wait until it has arrived.',
    );
  }
  // Errors of the report job were told where they arose; what has not happened yet happens later.
  journeyEnd.catch((error: unknown) => process.stderr.write(`tallybook: ${oneLine(error)}\n`));
  return { from: formatInstant(from), to: formatInstant(to) };
}

async function importBody({ imports }: WebAppContext, c: Context) {
  const { body, headers } = c.req.raw;
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'text/csv' || headers.has('content-encoding')) {
    const remedy = 'Send it plain, with `Content-Type: text/csv`.';
    throw new HttpError(415, 'unsupported_media_type', 'The body is not announced as CSV.', remedy);
  }
  const name = (c.req.query('name') ?? '').slice(0, MAX_FILE_NAME) || 'a file';
  return await imports.run(name, body ? Readable.fromWeb(body) : Readable.from([]));
}

function answerError(error: Error, c: Context): Response {
  if (error instanceof HttpError || error instanceof UsageError) {
    const { code, message, remedy } = error;
    const field = error instanceof UsageError ? (error.field ?? null) : null;
    return c.json({ error: { code, message, field, remedy } }, error.status as ContentfulStatusCode);
  }
  if (error instanceof UsageFileError) {
    const remedy = 'Correct the file; nothing of it was counted.';
    return c.json({ error: { code: 'invalid_file', message: error.message, field: null, remedy } }, 400);
  }
  const request_id = randomUUID();
  process.stderr.write(`tallybook: ${c.req.method} ${c.req.path}: ${oneLine(error)} (${request_id})\n`);
  const remedy = `Look for ${request_id} in the terminal.`;
  const message = 'Something went wrong here.';
  return c.json({ error: { code: 'internal_error', message, field: null, remedy } }, 500);
}
