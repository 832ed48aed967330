import { metrics } from '@opentelemetry/api';
import type { Clock } from '../core/environment.ts';
import { UsageError } from '../core/errors.ts';
import type { Store, UsageEntryOutcome } from '../core/store.ts';
import { DURATION, elapsedOn } from './elapsed.ts';
import { SCOPE } from './scope.ts';

/** Measures commits of usage: one at a time, never each increment. */
export function measureStore(store: Store, clock: Clock): Store {
  const meter = metrics.getMeter(SCOPE);
  const duration = meter.createHistogram('tallybook.commit.duration', {
    ...DURATION,
    description: 'How long a commit of usage took, repetitions after lost answers included.',
  });
  const size = meter.createHistogram('tallybook.commit.entries', {
    description: 'Ledger entries of a commit.',
    unit: '{entry}',
    advice: { explicitBucketBoundaries: [1, 4, 16, 64, 256, 1_024, 4_096] },
  });
  const entries = meter.createCounter('tallybook.entries', {
    description: 'Ledger entries, by what became of them.',
    unit: '{entry}',
  });
  const measured: Pick<Store, 'recordUsage'> = {
    recordUsage(params) {
      const elapsed = elapsedOn(clock);
      const recorded = store.recordUsage(params);
      recorded.then(
        ({ outcomes }) => {
          duration.record(elapsed());
          size.record(outcomes.length);
          for (const [outcome, count] of tally(outcomes))
            entries.add(count, { 'tallybook.outcome': outcome });
        },
        (error) => {
          const type = error instanceof UsageError ? error.code : 'unexpected';
          duration.record(elapsed(), { 'error.type': type });
          entries.add(params.entries.length, { 'tallybook.outcome': 'failed' });
        },
      );
      return recorded;
    },
  };
  // Everything else is the store's own, whatever stands in its place.
  return Object.assign(Object.create(store), measured);
}

function tally(outcomes: readonly UsageEntryOutcome[]): Map<UsageEntryOutcome, number> {
  const counts = new Map<UsageEntryOutcome, number>();
  for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return counts;
}
