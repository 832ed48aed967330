import { randomBytes } from 'node:crypto';
import type { Stripe } from 'stripe';
import { UsageError } from '../../core/errors.ts';
import { DAY_MS } from '../../core/instant.ts';
import { createUsage } from '../../usage.ts';
import { oneLine } from '../command-error.ts';
import { AccountPages } from './account-pages.ts';
import { DEFAULT_METER, type DemoUsage, METERS, PLANS, setUpDemo } from './demo.ts';
import { type DevClock, openDevClock } from './dev-clock.ts';
import { filesIn } from './dev-directory.ts';
import { Imports } from './import/imports.ts';
import { Journey } from './journey.ts';
import { checkPort, listening } from './listening.ts';
import {
  importStripe,
  openSimulatedStripe,
  SECRET_KEY,
  THIN_WEBHOOK_SECRET,
  WEBHOOK_SECRET,
} from './simulated-stripe.ts';
import { createWebApp } from './web/web-app.ts';
import { listenOnLocalhost } from './web/web-server.ts';
import { startWebhookDelivery } from './webhook-delivery.ts';

export interface DevServerOptions {
  /** Of the page; 0 = any free one. */
  readonly port: number;
  /** Of the simulated Stripe; 0 = any free one. */
  readonly stripe_port: number;
  readonly directory: string;
  /** Stops the start on the way. */
  readonly signal: AbortSignal;
}

/** Everything that `tallybook dev` runs. */
export interface DevServer {
  readonly url: string;
  readonly stripe_url: string;
  readonly clock: DevClock;
  readonly imports: Imports;
  /** Takes no more, writes what is pending, and lets go of the directory. */
  close(): Promise<void>;
}

const SECRET_BYTES = 32;
/** Less time is caught up with before anybody wonders. */
const MENTIONED_MS = 2 * DAY_MS;

/** The product beside a simulated Stripe, on one clock. @throws CommandError, UsageError. */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  const closers: (() => void | Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    return await start(options, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(
  { port, stripe_port, directory, signal }: DevServerOptions,
  closers: (() => void | Promise<void>)[],
  close: () => Promise<void>,
): Promise<DevServer> {
  const files = filesIn(directory);
  // The simulator locks the directory, and only then is the clock read: a process that is just stopping moves it.
  const simulator = openSimulatedStripe({ now: () => clock.now() }, files.stripe, (request) =>
    usage.webhook(request),
  );
  closers.push(() => simulator.close());
  const clock = openDevClock(files.clock);
  closers.push(() => clock.save());
  // The other port follows from it, so it is named first where both are taken.
  await checkPort(port, '--port');
  const stripeServer = await listening(stripe_port, '--stripe-port', () =>
    simulator.listen({ port: stripe_port }),
  );
  const { host, port: apiPort, protocol } = stripeServer;
  const { Stripe } = await importStripe();
  const config = { host, port: apiPort, protocol };
  const stripe: Stripe = new Stripe(SECRET_KEY, { ...config, telemetry: false });

  let hasStarted = false;
  const usage: DemoUsage = createUsage({
    database: files.usage,
    stripe: {
      secret_key: SECRET_KEY,
      webhook_secret: [WEBHOOK_SECRET, THIN_WEBHOOK_SECRET],
      max_requests_per_second: 1_000_000,
      config,
    },
    meters: METERS,
    default_meter: DEFAULT_METER,
    plans: PLANS,
    // Nobody keeps a token: the page's server makes one for every request.
    http: {
      token_secret: randomBytes(SECRET_BYTES).toString('base64'),
      rate_limits: { per_key: false, stripe: false },
    },
    environment: { clock },
    // What fails during the start is the start's own error.
    onError: (error) => (hasStarted ? tellUnexpected(error) : undefined),
  });
  closers.push(() => usage.close());
  await setUpDemo(usage, stripe, Stripe);

  const journey = new Journey({ clock, simulator, worker: usage.worker });
  closers.push(() => journey.stop());
  await catchUp(clock, journey, signal);
  usage.worker.start();
  closers.push(startWebhookDelivery({ simulator, clock, onError: tellUnexpected }));

  const accounts = new AccountPages(usage);
  const currentPeriodStart = async () => (await accounts.currentPeriod()).start;
  const imports = new Imports({ usage, clock, directory, currentPeriodStart });
  closers.push(() => imports.stop());
  const { key, secret: api_key } = await usage.keys.create({ scopes: ['write'], name: 'tallybook dev' });
  closers.push(() => usage.keys.revoke({ key }).then(() => {}, tellUnexpected));
  const app = createWebApp({
    usage,
    stripe,
    clock,
    journey,
    accounts,
    imports,
    stripe_url: stripeServer.url,
    api_key,
  });
  const server = await listening(port, '--port', () => listenOnLocalhost(app, port));
  // Requests under way are answered, and an import among them only ends when it is told to.
  closers.push(async () => {
    const closed = server.close();
    await imports.stop();
    await closed;
  });
  hasStarted = true;
  return { url: server.url, stripe_url: stripeServer.url, clock, imports, close };
}

/** What a caller did wrong is answered to the caller; the rest is news. */
function tellUnexpected(error: unknown): void {
  if (error instanceof UsageError && error.status < 500) return;
  process.stderr.write(`tallybook: ${oneLine(error)}\n`);
}

/** Lets the time pass that the machine's clock went on while nothing ran. */
async function catchUp(clock: DevClock, journey: Journey, signal: AbortSignal): Promise<void> {
  if (clock.missedUntil - clock.now() > MENTIONED_MS)
    console.log('Catching up with the time that has passed …');
  const stop = () => void journey.stop();
  signal.addEventListener('abort', stop, { once: true });
  await journey.start(clock.missedUntil);
  signal.removeEventListener('abort', stop);
}
