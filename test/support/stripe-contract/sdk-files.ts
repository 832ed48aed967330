import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** The folder of the installed `stripe` package, whose main file lies one folder deeper. */
export const SDK_FOLDER = dirname(dirname(require.resolve('stripe')));

/** The files that the contract is read from: what the simulator serves, and what its objects contain. */
export const RESOURCE_FILES = [
  'Customers',
  'Products',
  'Prices',
  'Plans',
  'Subscriptions',
  'SubscriptionItems',
  'Invoices',
  'InvoiceLineItems',
  'InvoiceItems',
  'Billing/Meters',
  'Billing/MeterEvents',
  'Billing/MeterEventSummaries',
  'Events',
  'V2/Core/Events',
  'V2/Core/EventDestinations',
  'Accounts',
  'WebhookEndpoints',
  'BillingPortal/Configurations',
].map((name) => join(SDK_FOLDER, 'esm', 'resources', `${name}.d.ts`));

/** What those share. */
export const SHARED_FILES = ['shared', 'lib', 'Types', 'resources/Billing/index'].map((name) =>
  join(SDK_FOLDER, 'esm', `${name}.d.ts`),
);

export function sdkVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(SDK_FOLDER, 'package.json'), 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest)
    return String(manifest.version);
  throw new Error("The stripe package's manifest has no version.");
}

/** HTTP method and path of an SDK method. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
}

const CLASS = /export class (\w+) extends StripeResource \{(.*?)\n\}/gs;
const METHOD = /^ {4}(\w+)\([^)]*\) \{(.*?)^ {4}\}/gms;
const REQUEST = /_makeRequest\('([A-Z]+)', [`'](.*?)[`'](?=[,)])/s;

/** Reads from a resource's JavaScript which endpoint each method calls, by `Class.method`: the types don't say it. */
export function endpointsOf(declarationFile: string): Map<string, Endpoint> {
  const source = readFileSync(declarationFile.replace(/\.d\.ts$/, '.js'), 'utf8');
  const endpoints = new Map<string, Endpoint>();
  for (const [, className, body = ''] of source.matchAll(CLASS)) {
    for (const [, methodName, code = ''] of body.matchAll(METHOD)) {
      const [, method, template] = REQUEST.exec(code) ?? [];
      if (method === undefined || template === undefined) continue;
      const path = template.replace(/\$\{encodeURIComponent\((\w+)\)\}/g, ':$1');
      endpoints.set(`${className}.${methodName}`, { method, path });
    }
  }
  return endpoints;
}
