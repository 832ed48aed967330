import type { z } from '@hono/zod-openapi';
import { UsageError } from '../core/errors.ts';
import type { Caller } from './access/caller.ts';
import { toProblem, toUsageError } from './problem.ts';
import { type RouteContext, unknownAccount } from './route.ts';
import type { batchResult, incrementResult } from './wire/usage.ts';

const MAX_BATCH = 1_000;

interface RecordEachCall {
  readonly caller: Caller;
  readonly request_id: string;
}

type Outcome = z.input<typeof incrementResult> | UsageError;

/**
 * Records items that each stand for an increment. A bad one does not refuse the others. Where nothing could be recorded
 * because of the server, the request fails as a whole, so that it is sent again.
 *
 * @throws UsageError `batch_too_large`, `storage_failed`, `storage_busy`, `overloaded`.
 */
export async function recordEach(
  items: readonly unknown[],
  paramsOf: (item: unknown) => unknown,
  { caller, request_id }: RecordEachCall,
  { service, tell }: Pick<RouteContext, 'service' | 'tell'>,
): Promise<z.input<typeof batchResult>> {
  if (items.length > MAX_BATCH) throw new UsageError('batch_too_large');
  const outcomes = await Promise.all(items.map((item) => recordOne(item)));
  const failures = outcomes.filter((outcome) => outcome instanceof UsageError);
  const [first] = failures;
  if (first && failures.length === items.length && failures.every(({ status }) => status >= 500)) throw first;
  for (const failure of failures) if (failure.status >= 500) tell(failure);
  const count = (is: (result: z.input<typeof incrementResult>) => boolean) =>
    outcomes.filter((outcome) => !(outcome instanceof UsageError) && is(outcome)).length;
  return {
    recorded: count(({ recorded }) => recorded),
    duplicate: count(({ duplicate }) => duplicate),
    failed: failures.length,
    results: outcomes.map((outcome) =>
      outcome instanceof UsageError ? { error: toProblem(outcome, request_id) } : outcome,
    ),
  };

  async function recordOne(item: unknown): Promise<Outcome> {
    try {
      return await service.increment(ofAccount(paramsOf(item), caller));
    } catch (error) {
      return toUsageError(error);
    }
  }
}

/** An item of somebody who is restricted to an account need not name it, and must not name another. */
function ofAccount(params: unknown, { account }: Caller): unknown {
  if (account === null || typeof params !== 'object' || params === null || Array.isArray(params))
    return params;
  if (!('account' in params) || params.account === undefined) return { ...params, account };
  if (params.account !== account) throw unknownAccount(params.account);
  return params;
}
