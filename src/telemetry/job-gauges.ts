import { type BatchObservableResult, metrics } from '@opentelemetry/api';
import type { CallLoad } from '../core/billing-provider.ts';
import type { Clock, Instant } from '../core/environment.ts';
import type { Store } from '../core/store.ts';
import { SCOPE } from './scope.ts';

/** What is asked for at each collection of metrics. */
export interface WatchedJob {
  readonly clock: Clock;
  readonly store: Pick<Store, 'countReportsToDecide'>;
  /** When the job has something to do next. */
  nextDueAt(): Promise<Instant>;
  /** Calls of the job to Stripe; null = Stripe is not configured. */
  readonly load: (() => CallLoad) | null;
}

/** @returns what ends it. */
export function observeJob(job: WatchedJob): () => void {
  const meter = metrics.getMeter(SCOPE);
  const toDecide = meter.createObservableGauge('tallybook.reports_to_decide', {
    description: 'Reports that wait for a person: held, and failed.',
    unit: '{report}',
  });
  const lateness = meter.createObservableGauge('tallybook.job.lateness', {
    description: 'For how long the report job has had something to do that it has not done.',
    unit: 's',
  });
  const calls = meter.createObservableGauge('tallybook.job.stripe_calls', {
    description: 'Calls of the report job of this process to Stripe: in flight, and waiting for their turn.',
    unit: '{call}',
  });
  const observe = async (result: BatchObservableResult) => {
    const [counts, due] = await Promise.all([job.store.countReportsToDecide(), job.nextDueAt()]);
    result.observe(toDecide, counts.held, { 'tallybook.status': 'held' });
    result.observe(toDecide, counts.failed, { 'tallybook.status': 'failed' });
    result.observe(lateness, Math.max(0, job.clock.now() - due) / 1_000);
    if (!job.load) return;
    const { in_flight, waiting } = job.load();
    result.observe(calls, in_flight, { 'tallybook.state': 'in_flight' });
    result.observe(calls, waiting, { 'tallybook.state': 'waiting' });
  };
  const gauges = [toDecide, lateness, calls];
  meter.addBatchObservableCallback(observe, gauges);
  return () => meter.removeBatchObservableCallback(observe, gauges);
}
