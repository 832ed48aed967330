import type { BillingProvider } from '../core/billing-provider.ts';
import type { CatalogueChange } from '../core/catalogue.ts';
import { type CatalogueComparison, compareCatalogue, referencesOf } from '../core/catalogue-comparison.ts';
import type { Environment } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { Plans } from '../core/plan.ts';
import { type PulledConfig, pulledConfig } from '../core/pulled-config.ts';
import { parseFields } from '../core/usage-event.ts';

/** What differs between the configuration and Stripe. */
export interface CatalogueResult {
  /** The mode of the configured key. */
  readonly mode: 'test' | 'live';
  /** What `push` does, in this order. Empty: Stripe has what is configured. */
  readonly changes: readonly CatalogueChange[];
  /** What it can't do, and what to do instead. */
  readonly findings: readonly Finding[];
}

/** Parameters of `usage.catalogue.push`. */
export interface PushParams {
  /** Of `usage.catalogue.compare`: nothing else is done, also when Stripe has changed meanwhile. */
  readonly changes: readonly CatalogueChange[];
  /** Must be true with a live key, and only then. Default: false. */
  readonly live?: boolean;
}

/** What came of a push. Repeating it is safe. */
export interface PushResult extends CatalogueResult {
  /** What was done. What somebody else did at the same time is in neither list. */
  readonly done: readonly CatalogueChange[];
  /** What was asked for and is still to be done; then `failure` says why. */
  readonly left: readonly CatalogueChange[];
  /** Stripe's words; null = everything was done. */
  readonly failure: string | null;
}

interface CatalogueContext {
  /** null = Stripe is not configured. */
  readonly provider: BillingProvider | null;
  readonly environment: Pick<Environment, 'digest'>;
  readonly event_names: ReadonlyMap<string, string>;
  readonly plans: Plans;
  readonly livemode: boolean;
}

const PUSH_FIELDS = new Set(['changes', 'live']);
/** Each reads anew what there is to do: an answer that was lost is found, and a saved failure is not repeated. */
const MAX_ROUNDS = 4;

/** The methods behind `usage.catalogue`. */
export function createCatalogue(context: CatalogueContext) {
  const mode = context.livemode ? ('live' as const) : ('test' as const);

  async function compare(): Promise<Pick<CatalogueComparison, 'changes' | 'findings'>> {
    const { plans, event_names } = context;
    const read = await providerOf(context).readCatalogue({
      references: referencesOf(plans),
      plans: Object.keys(plans),
    });
    if (read.outcome !== 'read') throw unavailable(read.message);
    const { changes, findings } = compareCatalogue({ event_names, plans }, read.catalogue);
    return { changes, findings };
  }

  return {
    async compare(): Promise<CatalogueResult> {
      return { mode, ...(await compare()) };
    },

    async push(params: unknown): Promise<PushResult> {
      const { changes, live } = parseFields(params, PUSH_FIELDS);
      const asked = parseChanges(changes);
      refuseOtherMode(live, context.livemode);
      const done = new Map<string, CatalogueChange>();
      let failure: string | null = null;
      for (let round = 1; round <= MAX_ROUNDS; round += 1) {
        const { changes: needed, findings } = await compare();
        const left = needed.filter((change) => asked.has(JSON.stringify(change)));
        if (left.length === 0 || round === MAX_ROUNDS) {
          const isDone = left.length === 0;
          return {
            mode,
            changes: needed,
            findings,
            done: [...done.values()],
            left,
            failure: isDone ? null : failure,
          };
        }
        failure = await applyInOrder(context, left, round, done);
      }
      throw new Error('A push has at least one round.');
    },

    pull: (): Promise<PulledConfig> => pullCatalogue(providerOf(context)),
  };
}

/**
 * Writes a configuration from what a Stripe account sells.
 *
 * @throws UsageError `stripe_unavailable`.
 */
export async function pullCatalogue(provider: Pick<BillingProvider, 'listCatalogue'>): Promise<PulledConfig> {
  const listed = await provider.listCatalogue();
  if (listed.outcome !== 'read') throw unavailable(listed.message);
  return pulledConfig(listed.catalogue, listed.truncated);
}

/** Until the first failure: what comes later may need it. @returns Stripe's words of it; null = there was none. */
async function applyInOrder(
  context: CatalogueContext,
  changes: readonly CatalogueChange[],
  round: number,
  done: Map<string, CatalogueChange>,
): Promise<string | null> {
  for (const change of changes) {
    // From the content, so that two people who push the same at once do it once.
    const content = context.environment.digest(JSON.stringify(change));
    const result = await providerOf(context).applyChange({
      change,
      idempotency_key: `tallybook-push-${content}-${round}`,
    });
    if (result.outcome !== 'done') return result.message;
    done.set(JSON.stringify(change), change);
  }
  return 'Stripe took the change, and does not show it.';
}

function parseChanges(value: unknown): ReadonlySet<string> {
  if (Array.isArray(value)) return new Set(value.map((change) => JSON.stringify(change)));
  const reason = 'Pass `changes` of usage.catalogue.compare().';
  throw new UsageError('invalid_parameter', { field: 'changes', value, reason });
}

function refuseOtherMode(live: unknown, livemode: boolean): void {
  if ((live ?? false) === livemode) return;
  const reason = livemode
    ? 'The key is a live one: what is pushed is sold to real customers. Pass `live: true` to confirm it.'
    : 'The key is a test key, so nothing live can be changed.';
  throw new UsageError('invalid_parameter', { field: 'live', value: live, reason });
}

function providerOf({ provider }: CatalogueContext): BillingProvider {
  if (provider) return provider;
  const reason = 'Stripe is not configured.';
  throw new UsageError('invalid_configuration', { field: 'stripe', reason });
}

function unavailable(message: string): UsageError {
  return new UsageError('stripe_unavailable', { reason: `Stripe could not be read: ${message}` });
}
