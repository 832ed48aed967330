import { sql } from 'kysely';
import type { Period } from '../../core/billing-period.ts';
import type { Ledger } from '../ledger.ts';
import { type MonthsContext, monthKeeper, recordedWithin } from './ledger-months.ts';

const MAX_EVENTS_PER_STATEMENT = 10_000;

/** The events of a report are found by an index; the range they occurred in tells the months to look at. */
export function postgresLedger(context: MonthsContext): Ledger {
  const { schema } = context;
  const events = sql.raw(`${schema}.usage_event`);
  const months = sql.raw(`${schema}.usage_event_month`);
  const unassignedUsage = sql.raw(`${schema}.unassigned_usage`);
  const isRecordedWithin = (range: Period) => {
    const recorded = recordedWithin(range);
    return sql`recorded_at >= ${recorded.start} and recorded_at < ${recorded.end}`;
  };
  return {
    eventsOf: ({ account_id, meter, report_id }, range) => sql`(
      select row_number() over (order by recorded_at, event_id) as position, event_id, quantity, occurred_at from ${events}
      where account_id = ${account_id} and meter = ${meter} and report_id = ${report_id}
        and ${isRecordedWithin(range)})`,

    entriesOf: ({ account_id, meter, report_id }, range) => sql`(
      select event_id, quantity, occurred_at, recorded_at, idempotency_key, properties from ${events}
      where account_id = ${account_id} and meter = ${meter} and report_id = ${report_id}
        and ${isRecordedWithin(range)})`,

    async moveEvents(db, { from, to, event_ids }) {
      for (let at = 0; at < event_ids.length; at += MAX_EVENTS_PER_STATEMENT) {
        await sql`update ${events} set report_id = ${to.report_id}
          where account_id = ${from.account_id} and meter = ${from.meter} and report_id = ${from.report_id}
            and event_id = any(${event_ids.slice(at, at + MAX_EVENTS_PER_STATEMENT)})`.execute(db);
      }
      return {};
    },

    prepare: monthKeeper(context),

    async appendEvent(db, event) {
      await db
        .insertInto('usage_event')
        .values({ ...event, idempotency_key: null })
        .execute();
      return {};
    },

    unassigned: (account_id, meter, range) => {
      const recorded = recordedWithin(range);
      return sql<number | null>`${unassignedUsage}(${account_id}, ${meter}, ${range.start}, ${range.end},
        ${recorded.start}, ${recorded.end})`;
    },

    unassignedEvents: (account_id, meter, range) => sql`(
      select event_id, quantity, occurred_at from ${events}
      where account_id = ${account_id} and meter = ${meter} and report_id is null and ${isRecordedWithin(range)})`,

    async isArchived(db, range) {
      const recorded = recordedWithin(range);
      const { rows } = await sql`select 1 from ${months} where detached_at is not null
        and ends_at > ${recorded.start} and starts_at < ${recorded.end}`.execute(db);
      return rows.length > 0;
    },
  };
}
