import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { temporaryDirectory } from '../support/folders.ts';

const require = createRequire(import.meta.url);
/** The package's own way to its binary, which npm has installed for this platform. */
const COMMAND = join(dirname(require.resolve('@stripe/cli/package.json')), 'bin', 'shim.js');

export interface StripeCommandResult {
  readonly code: number | null;
  readonly output: string;
}

/** Runs Stripe's own command line against the simulator, with a home of its own. */
export async function runStripe(api_base: string, args: readonly string[]): Promise<StripeCommandResult> {
  const home = temporaryDirectory();
  const command = spawn(
    process.execPath,
    [COMMAND, ...args, '--api-base', api_base, '--api-key', 'sk_test_simulated0000'],
    {
      cwd: home,
      env: { PATH: process.env['PATH'] ?? '', HOME: home, XDG_CONFIG_HOME: home, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const [stdout, stderr, [code]] = await Promise.all([
    text(command.stdout),
    text(command.stderr),
    once(command, 'exit'),
  ]);
  return { code, output: `${stdout}${stderr}` };
}
