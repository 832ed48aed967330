import { DatabaseSync } from 'node:sqlite';

interface ReportRow {
  readonly account_id: string;
  readonly report_id: number;
  readonly status: string;
  readonly late: number;
  readonly period_start: number;
  readonly end: number;
  readonly quantity: number;
  readonly last_event_id: number | null;
}

export interface EventRow {
  readonly event_id: number;
  readonly account_id: string;
  readonly report_id: number;
  readonly previous_event_id: number | null;
  readonly quantity: number;
  readonly idempotency_key: string | null;
  readonly properties: string | null;
}

export interface Ledger {
  readonly reports: readonly ReportRow[];
  readonly events: readonly EventRow[];
  /** Broken invariants in words; none is how it should be. */
  readonly problems: readonly string[];
}

/** Reads a whole database, which has one meter, and checks what must be true of any. */
export function checkLedger(path: string): Ledger {
  using database = new DatabaseSync(path, { timeout: 10_000 });
  const read = <Row>(sql: string) => database.prepare(sql).all() as readonly unknown[] as readonly Row[];
  const reports = read<ReportRow>(
    `SELECT account_id, report_id, status, late, period_start, coalesce(period_end, billing_period_end) AS end,
       quantity, last_event_id FROM usage ORDER BY account_id, period_start, report_id`,
  );
  const events = read<EventRow>('SELECT * FROM usage_event');
  const open = read<{ account_id: string }>(
    `SELECT account_id FROM usage WHERE status = 'open'
     GROUP BY account_id, meter, billing_period_start HAVING count(*) > 1`,
  );
  const [integrity] = read<{ integrity_check: string }>('PRAGMA integrity_check');
  const problems = [
    ...(integrity?.integrity_check === 'ok' ? [] : [`integrity_check: ${integrity?.integrity_check}`]),
    ...open.map(({ account_id }) => `I3: ${account_id} has two open reports of one billing period`),
    ...brokenSums(reports, events),
    ...overlaps(reports),
  ];
  return { reports, events, problems };
}

/** I2: a report's quantity is the sum of its events, found by their report and by the chain alike. */
function brokenSums(reports: readonly ReportRow[], events: readonly EventRow[]): string[] {
  const problems: string[] = [];
  const byId = new Map(events.map((event) => [event.event_id, event]));
  const byReport = Map.groupBy(events, nameOf);
  for (const report of reports) {
    const name = nameOf(report);
    const own = byReport.get(name) ?? [];
    byReport.delete(name);
    const total = sum(own.map(({ quantity }) => quantity));
    if (total !== report.quantity) {
      problems.push(`I2: ${name} says ${report.quantity}, its events ${total}`);
    }
    const chain = new Set<EventRow>();
    for (let id = report.last_event_id; id !== null; ) {
      const event = byId.get(id);
      if (!event || chain.has(event) || nameOf(event) !== name) {
        problems.push(`I2: the chain of ${name} is broken at event ${id}`);
        break;
      }
      chain.add(event);
      id = event.previous_event_id;
    }
    if (chain.size !== own.length) {
      problems.push(`I2: the chain of ${name} has ${chain.size} of ${own.length} events`);
    }
  }
  return [...problems, ...[...byReport.keys()].map((name) => `I4: events of ${name}, which does not exist`)];
}

function overlaps(reports: readonly ReportRow[]): string[] {
  const regular = reports.filter(({ late, status }) => late === 0 && status !== 'voided');
  return regular.flatMap((report, index) => {
    const before = regular[index - 1];
    const isFree = before?.account_id !== report.account_id || before.end <= report.period_start;
    return isFree ? [] : [`I4: ${nameOf(before)} overlaps ${nameOf(report)}`];
  });
}

function nameOf({ account_id, report_id }: { account_id: string; report_id: number }): string {
  return `report ${report_id} of ${account_id}`;
}

export function sum(quantities: readonly number[]): number {
  return quantities.reduce((total, quantity) => total + quantity, 0);
}
