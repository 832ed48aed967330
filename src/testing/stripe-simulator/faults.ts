/**
 * What goes wrong:
 * - `429`: refused for its rate, with `Retry-After`. `409`: another request with this key is in progress.
 * - `403`: the key is restricted and lacks the permission.
 * - `500_before`: fails without effect. `500_after`: takes effect, and fails. Either way the 500 is saved under the
 *   Idempotency-Key and replayed for 24 hours.
 * - `reset`: the connection dies before the effect. `reset_after`: after it, so that the answer is lost.
 * - `hang`: no answer until the client gives up.
 *   With `effect_after_ms`, a request that met `reset` or `hang` takes effect later nevertheless.
 * - `html_200`, `empty_200`: something between answers instead of Stripe, without effect. `other_200`: with the answer to
 *   somebody else's meter event.
 * - `reject_async`: a meter event is accepted, and rejected when it would be counted.
 */
export type FaultKind =
  | '429'
  | '403'
  | '409'
  | '500_before'
  | '500_after'
  | 'reset'
  | 'reset_after'
  | 'hang'
  | 'html_200'
  | 'empty_200'
  | 'other_200'
  | 'reject_async';

/** A fault to inject. Faults are asked for by a test and not saved in the state file. */
export interface Fault {
  readonly kind: FaultKind;
  /** Default: any. */
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** The beginning of the path, or an expression that it matches. Default: any. */
  readonly path?: string | RegExp;
  /** How many requests it hits. Default 1; `Infinity` for an outage. */
  readonly times?: number;
  /** How many matching requests pass before the first hit. Default 0. */
  readonly skip?: number;
  /** Seconds in the `Retry-After` of a 429. Default 1. */
  readonly retry_after_s?: number;
  /** `Stripe-Rate-Limited-Reason` of a 429. Default `global-rate`. */
  readonly reason?:
    | 'global-rate'
    | 'global-concurrency'
    | 'endpoint-rate'
    | 'endpoint-concurrency'
    | 'resource-specific';
  /** For `reset` and `hang`: milliseconds of the simulator's clock until the request takes effect. Default: never. */
  readonly effect_after_ms?: number;
  /** For `reject_async`: the code of the error. Default `meter_event_customer_not_found`. */
  readonly code?: string;
}

/** The faults that a simulator is to have. */
export class Faults {
  #armed: { readonly fault: Fault; toSkip: number; left: number }[] = [];

  /** Adds a fault; where several match a request, the one that was added first hits it. */
  add(fault: Fault): void {
    this.#armed.push({ fault, toSkip: fault.skip ?? 0, left: fault.times ?? 1 });
  }

  /** The simulator works again. */
  clear(): void {
    this.#armed = [];
  }

  /**
   * The fault that hits a request, if any.
   *
   * @param isReplay Stripe answers from its memory, so that nothing is executed that could fail.
   */
  take(method: string, path: string, isReplay: boolean): Fault | null {
    for (const armed of this.#armed) {
      if (armed.left <= 0 || !matches(armed.fault, method, path)) continue;
      if (isReplay && EXECUTION_FAULTS.includes(armed.fault.kind)) continue;
      if (armed.toSkip > 0) {
        armed.toSkip -= 1;
        continue;
      }
      armed.left -= 1;
      return armed.fault;
    }
    return null;
  }
}

const EXECUTION_FAULTS: readonly FaultKind[] = ['500_before', '500_after', 'reject_async'];
const METER_EVENTS = '/v1/billing/meter_events';

function matches(fault: Fault, method: string, path: string): boolean {
  if (fault.kind === 'reject_async' && path !== METER_EVENTS) return false;
  if (fault.method !== undefined && fault.method !== method) return false;
  if (fault.path === undefined) return true;
  return typeof fault.path === 'string' ? path.startsWith(fault.path) : fault.path.test(path);
}
