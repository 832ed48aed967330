import type { Clock } from '../core/environment.ts';

/** OpenTelemetry counts time in seconds (opentelemetry.io/docs/specs/semconv/general/metrics). */
export const DURATION = {
  unit: 's',
  advice: {
    explicitBucketBoundaries: [
      0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ],
  },
};

/** Starts to measure. @returns what tells the seconds since. */
export function elapsedOn(clock: Clock): () => number {
  const now = () => (clock.monotonic ? clock.monotonic() : clock.now());
  const started = now();
  return () => (now() - started) / 1_000;
}
