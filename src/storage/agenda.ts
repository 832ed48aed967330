import type { Agenda } from '../core/store.ts';
import { prepared } from './prepared.ts';
import type { Db } from './report-rows.ts';

/** All in one statement, each part of it the first entry of an index: the worker asks whenever it wakes. */
export async function readAgenda(db: Db, job: string): Promise<Agenda> {
  const { rows } = await agenda(db, { job });
  const [row] = rows;
  if (!row) throw new Error('A statement without a table has one row.');
  return row;
}

const agenda = prepared((db, { job }: { job: string }) =>
  db.selectNoFrom((eb) => [
    eb
      .selectFrom('usage')
      .select((usage) => usage.fn.min('billing_period_end').as('at'))
      .where('status', '=', 'open')
      .where((usage) => usage.or([usage('late', '=', false), usage('first_occurred_at', 'is not', null)]))
      .as('period_end'),
    eb
      .selectFrom('usage')
      .select((usage) => usage.fn.min('due_at').as('at'))
      .where('due_at', 'is not', null)
      .as('report_due_at'),
    eb
      .selectFrom('account')
      .select((account) => account.fn.min('sync_due_at').as('at'))
      .where('sync_due_at', 'is not', null)
      .as('sync_due_at'),
    eb
      .selectFrom('subscription_change')
      .select((change) => change.fn.min('due_at').as('at'))
      .where('due_at', 'is not', null)
      .as('change_due_at'),
    eb
      .selectFrom('webhook_event')
      .select((event) => event.fn.min('due_at').as('at'))
      .where('due_at', 'is not', null)
      .as('webhook_due_at'),
    eb.selectFrom('job_lease').select('last_run_at').where('job', '=', job).as('last_run_at'),
  ]),
);
