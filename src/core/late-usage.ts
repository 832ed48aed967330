/**
 * What becomes of usage whose invoice is final. `bill_next`: it is billed in the current period. `reject`: increments with
 * such a timestamp are refused; what was accepted in time is billed in the current period. `track`: it stays in its own
 * period and is never billed.
 */
export type LateUsagePolicy = 'bill_next' | 'reject' | 'track';
