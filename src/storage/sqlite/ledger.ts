import { sql } from 'kysely';
import type { Ledger } from '../ledger.ts';

const MAX_EVENTS_PER_STATEMENT = 1_000;

/**
 * The ledger has no index by account, which is what keeps increments cheap: the events of a report are a chain that
 * begins at the report's `last_event_id`.
 */
export const SQLITE_LEDGER: Ledger = {
  eventsOf: ({ account_id, meter, report_id }) => sql`(
    with recursive chain (position, event_id, previous_event_id, quantity, occurred_at) as (
      select 0, event_id, previous_event_id, quantity, occurred_at from usage_event where event_id = (
        select last_event_id from usage
        where account_id = ${account_id} and meter = ${meter} and report_id = ${report_id})
      union all
      select chain.position - 1, event.event_id, event.previous_event_id, event.quantity, event.occurred_at
      from chain join usage_event as event on event.event_id = chain.previous_event_id
    )
    select position, event_id, quantity, occurred_at from chain)`,

  entriesOf: ({ account_id, meter, report_id }) => sql`(
    with recursive chain (event_id, previous_event_id) as (
      select event_id, previous_event_id from usage_event where event_id = (
        select last_event_id from usage
        where account_id = ${account_id} and meter = ${meter} and report_id = ${report_id})
      union all
      select event.event_id, event.previous_event_id
      from chain join usage_event as event on event.event_id = chain.previous_event_id
    )
    select event.event_id, quantity, occurred_at, recorded_at, idempotency_key, properties
    from chain join usage_event as event on event.event_id = chain.event_id)`,

  /** Among themselves they stay chained as they are; only the ends are tied anew. */
  async moveEvents(db, { to, event_ids }) {
    const [first] = event_ids;
    const last_event_id = event_ids.at(-1);
    if (first === undefined || last_event_id === undefined) return {};
    for (let at = 0; at < event_ids.length; at += MAX_EVENTS_PER_STATEMENT) {
      await db
        .updateTable('usage_event')
        .set({ report_id: to.report_id })
        .where('event_id', 'in', event_ids.slice(at, at + MAX_EVENTS_PER_STATEMENT))
        .execute();
    }
    const { account_id, meter, report_id } = to;
    await sql`update usage_event set previous_event_id = (select last_event_id from usage
      where account_id = ${account_id} and meter = ${meter} and report_id = ${report_id})
      where event_id = ${first}`.execute(db);
    return { last_event_id };
  },

  prepare: async () => {},

  async appendEvent(db, { account_id, meter, report_id, quantity, occurred_at, recorded_at, properties }) {
    const { rows } = await sql<{ event_id: number }>`
      insert into usage_event (account_id, meter, report_id, previous_event_id, quantity, occurred_at, recorded_at, properties)
      select account_id, meter, report_id, last_event_id, ${quantity}, ${occurred_at}, ${recorded_at}, ${properties}
      from usage where account_id = ${account_id} and meter = ${meter} and report_id = ${report_id}
      returning event_id`.execute(db);
    const [row] = rows;
    if (!row) throw new Error('An event was written for a report that does not exist.');
    return { last_event_id: row.event_id };
  },

  unassigned: null,
  unassignedEvents: null,

  /** Nothing is taken out of it. */
  isArchived: async () => false,
};
