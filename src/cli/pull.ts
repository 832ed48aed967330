import { existsSync, writeFileSync } from 'node:fs';
import type { PulledConfig } from '../core/pulled-config.ts';
import { pullCatalogue } from '../methods/catalogue.ts';
import { rateLimitsOf } from '../stripe/rate-limits.ts';
import { createStripeProviders } from '../stripe/stripe-provider.ts';
import { systemEnvironment } from '../system-environment.ts';
import { asCommandError } from './app-usage.ts';
import { CommandError, oneLine, systemCode } from './command-error.ts';
import { print } from './standard-output.ts';

export interface PullCommandOptions {
  /** File to write. Default: standard output. */
  readonly out?: string;
  /** An existing file is replaced. */
  readonly force?: boolean;
  /** Where Stripe's API is, for a stand-in. Default: Stripe itself. */
  readonly apiBase?: string;
}

const WRONG_USE = 2;
const SECRET_KEY = /^(?:sk|rk)_(test|live)_\w+$/;

/** `tallybook pull`: writes a configuration from what the Stripe account of `STRIPE_SECRET_KEY` sells. */
export async function runPull({ out, force = false, apiBase }: PullCommandOptions): Promise<void> {
  if (out !== undefined && !force && existsSync(out)) throw exists(out);
  const { config, omitted } = await pullFrom(apiBase);
  for (const text of omitted) process.stderr.write(`tallybook: Left out: ${oneLine(text)}\n`);
  if (out === undefined) await print(config);
  else write(out, config, force);
}

async function pullFrom(apiBase: string | undefined): Promise<PulledConfig> {
  const secret_key = process.env['STRIPE_SECRET_KEY'] ?? '';
  const mode = SECRET_KEY.exec(secret_key)?.[1];
  if (mode !== 'test' && mode !== 'live') {
    throw new CommandError(
      'STRIPE_SECRET_KEY is not a secret key (sk_…) or a restricted key (rk_…) of Stripe.',
      'Set it in the environment.',
      { code: WRONG_USE },
    );
  }
  const { interactive } = createStripeProviders({
    connection: { secret_key, ...(apiBase === undefined ? {} : { config: baseOf(apiBase) }) },
    environment: systemEnvironment(),
    limits: rateLimitsOf({ mode, is_connected: false, max_requests_per_second: null }),
    event_names: new Map(),
  });
  try {
    return await pullCatalogue(interactive);
  } catch (error) {
    throw asCommandError(error);
  }
}

function baseOf(apiBase: string): {
  readonly host: string;
  readonly port?: string;
  readonly protocol: string;
} {
  const url = URL.canParse(apiBase) ? new URL(apiBase) : null;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new CommandError(`${apiBase} is no address.`, 'Pass one such as http://127.0.0.1:4243.', {
      code: WRONG_USE,
    });
  }
  const { hostname: host, port, protocol } = url;
  return { host, ...(port === '' ? {} : { port }), protocol: protocol.slice(0, -1) };
}

/** Never over a file that appeared meanwhile. */
function write(path: string, text: string, force: boolean): void {
  try {
    writeFileSync(path, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw exists(path);
    throw new CommandError(`${path} cannot be written: ${oneLine(error)}.`, 'Pass another file with --out.', {
      cause: error,
    });
  }
}

function exists(path: string): CommandError {
  return new CommandError(`${path} exists.`, 'Pass --force to replace it, or another file with --out.', {
    code: WRONG_USE,
  });
}
