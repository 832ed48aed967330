/** What OpenTelemetry calls who measures: the package. */
export const SCOPE = 'tallybook';
