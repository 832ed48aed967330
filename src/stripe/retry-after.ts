/** Milliseconds that a `Retry-After` asks for, which Stripe gives in seconds; null = it asks for nothing. */
export function retryAfterOf(header: string | undefined): number | null {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : null;
}
