import type { z } from '@hono/zod-openapi';
import { UsageError } from '../core/errors.ts';
import type { Caller } from './access/caller.ts';
import { type ProblemContext, toProblem, toUsageError } from './problem.ts';
import { type RouteContext, unknownAccount } from './route.ts';
import type { batchResult, incrementResult } from './wire/usage.ts';

const MAX_BATCH = 1_000;

/** What became of an item; an error: it was refused. */
export type Outcome = z.input<typeof incrementResult> | UsageError;

/**
 * Records items that each stand for an increment. A bad one does not refuse the others. Where nothing could be recorded
 * because of the server, the request fails as a whole, so that it is sent again.
 *
 * @throws UsageError `batch_too_large`, `storage_failed`, `storage_busy`, `overloaded`.
 */
export async function recordEach(
  items: readonly unknown[],
  paramsOf: (item: unknown) => unknown,
  caller: Caller,
  { service, tell }: Pick<RouteContext, 'service' | 'tell'>,
): Promise<readonly Outcome[]> {
  if (items.length > MAX_BATCH) throw new UsageError('batch_too_large');
  const outcomes = await Promise.all(items.map((item) => recordOne(item)));
  const ours = failuresOf(outcomes).filter(({ status }) => status >= 500);
  const [first] = ours;
  if (first && ours.length === items.length) throw first;
  for (const failure of ours) tell(failure);
  return outcomes;

  async function recordOne(item: unknown): Promise<Outcome> {
    try {
      return await service.increment(ofAccount(paramsOf(item), caller));
    } catch (error) {
      return toUsageError(error);
    }
  }
}

export function failuresOf(outcomes: readonly Outcome[]): readonly UsageError[] {
  return outcomes.filter((outcome) => outcome instanceof UsageError);
}

/** What is answered item by item. */
export function toBatchResult(
  outcomes: readonly Outcome[],
  context: ProblemContext,
): z.input<typeof batchResult> {
  const counts = { recorded: 0, duplicate: 0, failed: 0 };
  const results = outcomes.map((outcome) => {
    if (outcome instanceof UsageError) {
      counts.failed += 1;
      return { error: toProblem(outcome, context) };
    }
    if (outcome.recorded) counts.recorded += 1;
    if (outcome.duplicate) counts.duplicate += 1;
    return outcome;
  });
  return { ...counts, results };
}

/** An item of somebody who is restricted to an account need not name it, and must not name another. */
function ofAccount(params: unknown, { account }: Caller): unknown {
  if (account === null || typeof params !== 'object' || params === null || Array.isArray(params))
    return params;
  if (!('account' in params) || params.account === undefined) return { ...params, account };
  if (params.account !== account) throw unknownAccount(params.account);
  return params;
}
