import { z } from 'zod';
import type { ApiDocument, DocumentedOperation, Schema } from '../operations.ts';
import type { DrawnRequest } from './draw-request.ts';

/** Statuses of requests that mean no route: there is no such one, or not with this method. */
const OF_NO_ROUTE = new Set([200, 204, 400, 401, 403, 404, 405, 408, 413, 415, 429]);
/** Codes of a 5xx that is no fault of ours here: Stripe is not configured. */
const EXPECTED = new Set(['stripe_unavailable']);

export interface SeenAnswer {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
}

/** Holds answers to what the document says of them. */
export function createAnswerCheck({ components }: ApiDocument) {
  const schemas = new Map<Schema, z.ZodType>();
  const schemaOf = (schema: Schema): z.ZodType => {
    const known = schemas.get(schema) ?? compile(schema, components);
    schemas.set(schema, known);
    return known;
  };

  /** What is wrong with an answer; null = nothing. */
  return ({ operation, method }: DrawnRequest, answer: SeenAnswer): string | null => {
    const { status, type, text } = answer;
    const json = type?.includes('json') && text !== '' ? JSON.parse(text) : null;
    if (status >= 500 && !EXPECTED.has(json?.code))
      return `It was answered with ${status}: ${text.slice(0, 300)}`;
    if (method === 'HEAD') return text === '' ? null : 'HEAD was answered with a body.';
    if (!operation) return OF_NO_ROUTE.has(status) ? null : `Status ${status} of no route.`;
    return againstDocument(operation, answer, json);
  };

  function againstDocument(
    operation: DocumentedOperation,
    { status, type, text }: SeenAnswer,
    json: unknown,
  ) {
    const documented = operation.answers.get(status);
    if (documented === undefined) return `Status ${status} is not documented: ${text.slice(0, 300)}`;
    if (documented === null) return text === '' ? null : 'There is a body where none is documented.';
    const schema = documented.get(type ?? '');
    if (schema === undefined) return `Type ${type} is not documented for ${status}.`;
    const result = schemaOf(schema).safeParse(json);
    return result.success
      ? null
      : `The answer does not match its schema: ${result.error.message} ${text.slice(0, 500)}`;
  }
}

/** The library for schemas looks for definitions in `$defs`. */
function compile(schema: Schema, components: Schema): z.ZodType {
  const text = JSON.stringify({ ...schema, $defs: components.schemas });
  return z.fromJSONSchema(JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')));
}
