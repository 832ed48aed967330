import { expect } from 'vitest';
import type { SimulationDatabase } from '../simulation/database/simulation-database.ts';
import { runSchedule } from '../simulation/run-schedule.ts';
import { drawSchedule } from '../simulation/schedule/draw-schedule.ts';

/** What has more rows with every account, and every year. */
export const GROWING =
  '(account|decision|stripe_subscription|subscription|usage|usage_event|usage_key|webhook_event)';

/** In the order of the table itself, to the limit of a page. */
const PAGE_OF_ACCOUNTS = /account" order by "account_id" limit (\?|\$1)$/;
/** The simulation's own read whole tables. */
const OF_THE_SIMULATION = /^(SELECT \*|DELETE FROM simulation\.)/;

/** Runs schedules of the simulation, which make nearly all the statements that there are. */
export async function runSeeds(count: number, open: () => Promise<SimulationDatabase>): Promise<void> {
  for (let seed = 1; seed <= count; seed += 1) {
    const run = await runSchedule(drawSchedule(seed), await open(), { isTraced: false, contract: null });
    expect(run.failure).toBeNull();
  }
}

/** Of a statement: the product's, that read or change rows. None must read through a table that grows. */
export function isToBeExplained(sql: string): boolean {
  return (
    /^\s*(select|insert|update|delete|with)\b/i.test(sql) &&
    !OF_THE_SIMULATION.test(sql) &&
    !PAGE_OF_ACCOUNTS.test(sql)
  );
}
