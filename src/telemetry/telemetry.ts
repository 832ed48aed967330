import { metrics } from '@opentelemetry/api';
import type { BillingProviders } from '../core/billing-provider.ts';
import type { Clock } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import { observeJob, type WatchedJob } from './job-gauges.ts';
import { measureProvider } from './provider-telemetry.ts';
import { SCOPE } from './scope.ts';
import { measureStore } from './store-telemetry.ts';

/**
 * Tells the app's OpenTelemetry what passes through the ports. Nobody waits for it, and where the app has registered no
 * SDK the API does nothing.
 */
export class Telemetry {
  readonly #clock: Clock;
  readonly #errors = metrics.getMeter(SCOPE).createCounter('tallybook.errors', {
    description: 'What onError was told, by the code of the error.',
    unit: '{error}',
  });
  #stopObserving: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  store(store: Store): Store {
    return measureStore(store, this.#clock);
  }

  providers(providers: BillingProviders): BillingProviders {
    return {
      ...providers,
      interactive: measureProvider(providers.interactive, 'interactive', this.#clock),
      background: measureProvider(providers.background, 'background', this.#clock),
    };
  }

  countError(error: unknown): void {
    const code = error instanceof UsageError ? error.code : 'unexpected';
    this.#errors.add(1, { 'tallybook.code': code });
  }

  /** From now on each collection of metrics asks how the report job is doing. */
  observe(job: WatchedJob): void {
    this.#stopObserving ??= observeJob(job);
  }

  stop(): void {
    this.#stopObserving?.();
    this.#stopObserving = null;
  }
}
