import Stripe from 'stripe';
import {
  createStripeSimulator,
  type StripeSimulator,
  type StripeSimulatorOptions,
} from '../../src/testing/stripe-simulator/stripe-simulator.ts';
import { assertExchange } from './stripe-contract/assert-exchange.ts';
import { loadStripeContract } from './stripe-contract/load-contract.ts';

/** As for the simulator itself. Without a clock, time stands still at the beginning of 2026. */
export type SimulatedStripeOptions = Omit<StripeSimulatorOptions, 'clock'> & Partial<StripeSimulatorOptions>;

export interface SimulatedStripe {
  readonly simulator: StripeSimulator;
  /** The official SDK, wired to the simulator in process, which never retries a request by itself. */
  readonly stripe: Stripe;
  /**
   * Throws the first violation of Stripe's contract. Under vitest this happens by itself after every test, so that
   * a violation is never overlooked.
   */
  assertContract(): void;
}

const contract = await loadStripeContract();
const DEFAULT_CLOCK = { now: () => Date.UTC(2026, 0, 1) };

/** Violations of all simulators since the last test, so that also those of a shared simulator fail a test. */
const unreported: Error[] = [];
const failTestLater = await failuresIntoTests();

/** A simulator and the SDK, with every exchange held to the contract of the installed `stripe` package. */
export function createSimulatedStripe(options: SimulatedStripeOptions = {}): SimulatedStripe {
  const violations: Error[] = [];
  const simulator = createStripeSimulator({
    clock: DEFAULT_CLOCK,
    ...options,
    onExchange: (exchange) => {
      try {
        assertExchange(contract, exchange);
      } catch (error) {
        const violation = error instanceof Error ? error : new Error(String(error));
        violations.push(violation);
        unreported.push(violation);
      }
      options.onExchange?.(exchange);
    },
  });
  failTestLater();
  const stripe = new Stripe('sk_test_simulated', {
    httpClient: Stripe.createFetchHttpClient(simulator.fetch),
    maxNetworkRetries: 0,
    telemetry: false,
  });
  const assertContract = () => {
    for (const violation of violations.splice(0)) {
      const index = unreported.indexOf(violation);
      if (index !== -1) unreported.splice(index, 1);
      throw violation;
    }
  };
  return { simulator, stripe, assertContract };
}

/** Under vitest: every test ends with a look at the violations. Returns what a new simulator must do for it. */
async function failuresIntoTests(): Promise<() => void> {
  if (process.env['VITEST'] === undefined) return () => {};
  const { afterEach, onTestFinished } = await import('vitest');
  const report = () => {
    const [violation] = unreported.splice(0);
    if (violation) throw violation;
  };
  // For simulators that were made outside of a test. This file is imported while tests are collected.
  afterEach(report);
  return () => {
    try {
      onTestFinished(report);
    } catch {
      // Outside of a test, where the hook above is enough.
    }
  };
}
