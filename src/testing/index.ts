export { createMovableClock, type MovableClock, type MovableClockOptions } from './movable-clock.ts';
export { type PassTimeParams, passTime } from './pass-time.ts';
export { type StoreSuite, testStore } from './store-suite.ts';
export type { Exchange } from './stripe-simulator/exchange.ts';
export type { Fault, FaultKind } from './stripe-simulator/faults.ts';
export type { SimulatedLimits } from './stripe-simulator/rate-limits.ts';
export type { AsyncErrorRecord, MeterEventRecord } from './stripe-simulator/records.ts';
export {
  createStripeSimulator,
  type StripeSimulator,
  type StripeSimulatorOptions,
} from './stripe-simulator/stripe-simulator.ts';
export type { WebhookFault, WebhookFaultKind } from './stripe-simulator/webhook-faults.ts';
export type { WebhookAttempt, WebhookOptions } from './stripe-simulator/webhook-sender.ts';
