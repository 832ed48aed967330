import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import type { StripeSimulator } from '../../src/testing/stripe-simulator/stripe-simulator.ts';
import { temporaryDirectory } from '../support/folders.ts';
import { ROOT } from './command.ts';

/** Replaces in a program what a user's own directory would give it: the package, a database, and Stripe. */
export async function withSimulator(
  program: string,
  simulator: StripeSimulator,
  key = 'sk_test_1',
): Promise<string> {
  const { host, port } = await simulator.listen();
  onTestFinished(() => simulator.close());
  const library = pathToFileURL(join(ROOT, 'src', 'index.ts')).href;
  const stripe = {
    secret_key: key,
    max_requests_per_second: 1_000_000,
    config: { host, port, protocol: 'http' },
  };
  return program
    .replace("'tallybook'", JSON.stringify(library))
    .replace(/database: .*,\n/, `database: ${JSON.stringify(join(temporaryDirectory(), 'usage.db'))},\n`)
    .replace(/stripe: .*,\n/, `stripe: ${JSON.stringify(stripe)},\n`);
}

/** Writes a program into a directory of its own. @returns its path. */
export function writeProgram(name: string, program: string, directory = temporaryDirectory()): string {
  const path = join(directory, name);
  writeFileSync(path, program);
  return path;
}
