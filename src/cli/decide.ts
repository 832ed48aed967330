import { userInfo } from 'node:os';
import type { DecisionResult, ReportResolution } from '../methods/report-decisions.ts';
import { withUsage } from './app-usage.ts';
import { print } from './standard-output.ts';

/** Who decides something about a meter, and why. */
export interface DecisionDetails {
  readonly meter?: string;
  readonly reason: string;
  /** Default: the operating system's name of the user. */
  readonly actor?: string;
}

export interface RetryCommandOptions extends DecisionDetails {
  /** Path of the module that exports `usage`. */
  readonly config: string;
}

export interface ResolveCommandOptions extends RetryCommandOptions {
  readonly as: ReportResolution;
}

/** `tallybook retry`: a report that is held or has failed is tried again. */
export async function runRetry(account: string, report: number, options: RetryCommandOptions): Promise<void> {
  await withUsage(options.config, async (usage) => {
    await printResult(await usage.reports.retry({ account, report, ...detailsOf(options) }));
  });
}

/** `tallybook resolve`: a person decides what becomes of it. */
export async function runResolve(
  account: string,
  report: number,
  options: ResolveCommandOptions,
): Promise<void> {
  const { as } = options;
  await withUsage(options.config, async (usage) => {
    await printResult(await usage.reports.resolve({ account, report, as, ...detailsOf(options) }));
  });
}

export function detailsOf({ meter, reason, actor = userName() }: DecisionDetails) {
  return { meter, reason, actor };
}

/** undefined = the system has no name for the user, as in some containers. */
export function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

async function printResult({ account, meter, report, status }: DecisionResult): Promise<void> {
  const consequence = CONSEQUENCES[status];
  const what = consequence === undefined ? `${status}.` : `${status}: ${consequence}`;
  await print(`Report ${report} of ${account}, ${meter}, is ${what}\n`);
}

/** What a report in some status is for, after a decision. */
const CONSEQUENCES: Readonly<Partial<Record<DecisionResult['status'], string>>> = {
  closed: 'the report job sends it next.',
  held: 'the report job looks at it next.',
  reported: 'it counts as billed by Stripe.',
  not_billable: 'it is never sent.',
};
