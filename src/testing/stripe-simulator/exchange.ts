import type { FaultKind } from './faults.ts';
import type { FormObject } from './form.ts';
import type { JsonObject } from './json.ts';

/** A request and what came back, parsed. */
export interface Exchange {
  readonly method: string;
  /** Without the query: `/v1/prices`. */
  readonly path: string;
  /** The query's or the body's parameters, `expand` included; all leaves are texts. */
  readonly params: FormObject;
  readonly idempotency_key: string | null;
  /** null: no answer ever left the simulator. */
  readonly status: number | null;
  /** null: no answer, or one that is no JSON because of a fault. */
  readonly body: JsonObject | null;
  /** The fault that hit the request; null: none. */
  readonly fault: FaultKind | null;
  /** The answer was repeated from memory because of its Idempotency-Key. */
  readonly replayed: boolean;
  /** The simulator's clock when the request arrived. */
  readonly at_ms: number;
}
