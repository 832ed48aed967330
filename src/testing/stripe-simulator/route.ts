import type { FormObject } from './form.ts';
import type { JsonObject } from './json.ts';
import type { Simulation } from './simulation.ts';

/** What a request brings to its route. `expand` has been taken out of the parameters. */
export interface RouteRequest {
  /** The id in the path; empty where the path has none. */
  readonly id: string;
  readonly params: FormObject;
  /** The Idempotency-Key header; null: none. */
  readonly idempotency_key: string | null;
  /** The code that a meter event will be rejected with later; null: no such fault was asked for. */
  readonly forced_rejection: string | null;
}

/** One endpoint. The handler refuses by throwing a StripeError before it has changed anything. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Such as `/v1/prices/:id`. */
  readonly path: string;
  handle(simulation: Simulation, request: RouteRequest): JsonObject;
}
