import type { Exchange } from '../../../src/testing/stripe-simulator/exchange.ts';
import type { ContractRoute, StripeContract } from './contract.ts';
import { SchemaCheck } from './schema-check.ts';

/** What of an exchange is held to the contract. */
export type CheckedExchange = Pick<Exchange, 'method' | 'path' | 'params' | 'status' | 'body'>;

/**
 * Holds a request and its answer to the contract. Parameters are always checked. Of an answer that refuses, only the
 * error's shape is; no answer, or one that a fault made unreadable, has nothing to check.
 *
 * @throws Error that names the route, the field and what is wrong with it.
 */
export function assertExchange(contract: StripeContract, exchange: CheckedExchange): void {
  const { method, path, params, status, body } = exchange;
  const route = findRoute(contract, method, path);
  if (!route) throw violation(exchange, 'the SDK has no such route');
  const inParams = new SchemaCheck(contract.definitions, 'params');
  const failure = inParams.failure(route.params ?? NO_PARAMS, params, 'params');
  if (failure) throw violation(exchange, failure.text);
  if (status === null || body === null) return;

  const inAnswer = new SchemaCheck(contract.definitions, 'answer');
  const wrong =
    status >= 400
      ? inAnswer.failure(errorBody(contract), body, 'answer')
      : inAnswer.failure(route.answer, body, 'answer');
  if (wrong) throw violation(exchange, wrong.text);
}

const NO_PARAMS = { kind: 'object', fields: {} } as const;

/** The route of the SDK that a path belongs to; words in the path win over ids. */
function findRoute({ routes }: StripeContract, method: string, path: string): ContractRoute | undefined {
  const candidates = routes.filter((route) => route.method === method && pathMatches(route.path, path));
  return candidates.find((route) => route.path === path) ?? candidates[0];
}

function pathMatches(pattern: string, path: string): boolean {
  const expected = pattern.split('/');
  const actual = path.split('/');
  return (
    expected.length === actual.length &&
    expected.every((part, index) => part.startsWith(':') || part === actual[index])
  );
}

function errorBody({ error }: StripeContract) {
  return { kind: 'object', fields: { error: { required: true, schema: error } } } as const;
}

function violation({ method, path, status }: CheckedExchange, text: string): Error {
  return new Error(`Stripe's contract is broken in ${method} ${path} (${status ?? 'no answer'}): ${text}`);
}
