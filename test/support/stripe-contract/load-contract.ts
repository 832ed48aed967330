import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StripeContract } from './contract.ts';
import { SDK_FOLDER, sdkVersion } from './sdk-files.ts';

const GENERATOR_FILES = ['./contract.ts', './sdk-files.ts', './schema-reader.ts', './generate-contract.ts'];

let loaded: StripeContract | undefined;

/**
 * The contract of the installed `stripe` package. It is derived once per version of the package and of the
 * generator, and kept beside the installed packages, so that most test files only read it.
 */
export async function loadStripeContract(): Promise<StripeContract> {
  loaded ??= readCache() ?? (await generate());
  return loaded;
}

/** For vitest's `globalSetup`: derives the contract before several workers would do so at once. */
export async function setup(): Promise<void> {
  await loadStripeContract();
}

async function generate(): Promise<StripeContract> {
  // The compiler is loaded only when it is needed.
  const { generateContract } = await import('./generate-contract.ts');
  const contract = generateContract();
  const path = cachePath();
  const draft = `${path}.${process.pid}.tmp`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(draft, JSON.stringify(contract));
  renameSync(draft, path); // Atomic: workers that race each leave a complete file.
  return contract;
}

function readCache(): StripeContract | undefined {
  try {
    return JSON.parse(readFileSync(cachePath(), 'utf8'));
  } catch {
    return undefined; // Not there yet, which is as good as unreadable: it is derived again.
  }
}

function cachePath(): string {
  const hash = createHash('sha256');
  for (const file of GENERATOR_FILES)
    hash.update(readFileSync(fileURLToPath(new URL(file, import.meta.url))));
  const name = `tallybook-stripe-contract-${sdkVersion()}-${hash.digest('hex').slice(0, 12)}.json`;
  return join(dirname(SDK_FOLDER), '.cache', name);
}
