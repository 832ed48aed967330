import { expect } from 'vitest';
import { DAY } from '../credits-scene.ts';
import type { Expectation } from './expectation.ts';
import type { EventRow, ReportRow } from './ledger.ts';
import { ACCOUNTS, type Scene } from './scene.ts';

/** What must hold after every step. */
export async function checkStep(scene: Scene, random: () => number): Promise<void> {
  const reports = await scene.ledger.reports();
  const events = await scene.ledger.events();
  checkReports(reports, events, scene.now);
  checkNothingFreeIsSent(scene, reports, events);
  for (const account of ACCOUNTS) {
    const expectation = scene.expectations[account];
    const acknowledged = expectation.quantityIn(0, Number.MAX_SAFE_INTEGER);
    const own = events.filter(({ account_id }) => account_id === account);
    expect(total(own), `I1 of ${account}`).toBe(acknowledged);
    if (expectation.events.length > 0) await checkRange(scene, account, expectation, random);
  }
  await scene.checkRequests();
  // The product tells of nothing but what the caller did wrong.
  for (const error of scene.world.errors) expect(error).toMatchObject({ code: 'idempotency_conflict' });
}

function checkReports(reports: readonly ReportRow[], events: readonly EventRow[], now: number): void {
  const byReport = Map.groupBy(events, keyOf);
  const byId = new Map(events.map((event) => [event.event_id, event]));
  const counting = reports.filter(({ status }) => status !== 'voided');
  for (const report of counting) {
    const name = `report ${keyOf(report)} (${report.status})`;
    const own = byReport.get(keyOf(report)) ?? [];
    expect(total(own), `I2 of ${name}`).toBe(report.quantity);
    if (report.last_event_id !== undefined) checkChain(report.last_event_id, own, byId, name);
    const instants = own.map(({ occurred_at }) => occurred_at);
    expect(report.first_occurred_at, name).toBe(own.length === 0 ? null : Math.min(...instants));
    expect(report.last_occurred_at, name).toBe(own.length === 0 ? null : Math.max(...instants));
    if (report.slot !== null) {
      expect(
        report.slot >= report.period_start && report.slot < (report.period_end ?? 0),
        `I12 of ${name}`,
      ).toBe(true);
    }
    if (['closed', 'sending'].includes(report.status)) {
      expect(report.due_at, `${name} is never looked at again`).not.toBeNull();
      expect(report.due_at, `${name} waits too long`).toBeLessThan(now + 70 * DAY);
    }
    if (['reported', 'not_billable', 'failed', 'open'].includes(report.status)) {
      expect(report.due_at, `${name} is done`).toBeNull();
    }
  }
  const keys = new Set(counting.map(keyOf));
  for (const event of events) {
    if (event.report_id !== null) expect(keys, `I4 of event ${event.event_id}`).toContain(keyOf(event));
  }
  checkUnique(reports, ({ identifier }) => identifier);
  checkUnique(
    counting.filter(({ status }) => status === 'open'),
    (report) => `${report.account_id}|${report.meter}|${report.billing_period_start}`,
  );
  checkOverlaps(counting.filter(({ late }) => !late));
}

function checkUnique(reports: readonly ReportRow[], of: (report: ReportRow) => string | null): void {
  const values = reports.map(of).filter((value) => value !== null);
  expect(new Set(values).size).toBe(values.length);
}

/** I4: regular reports of an account and meter follow each other. */
function checkOverlaps(regular: readonly ReportRow[]): void {
  for (const own of Map.groupBy(regular, ({ account_id, meter }) => `${account_id}|${meter}`).values()) {
    const ordered = own.toSorted((a, b) => a.period_start - b.period_start);
    for (const [index, report] of ordered.entries()) {
      const next = ordered[index + 1];
      const end = report.period_end ?? report.billing_period_end;
      if (next) expect(next.period_start, `I4 after report ${keyOf(report)}`).toBeGreaterThanOrEqual(end);
    }
  }
}

/** I16, by Stripe's instants, which are whole seconds. */
function checkNothingFreeIsSent(
  scene: Scene,
  reports: readonly ReportRow[],
  events: readonly EventRow[],
): void {
  const sent = new Set(reports.filter(({ attempts }) => attempts > 0).map(keyOf));
  for (const event of events) {
    if (!sent.has(keyOf(event))) continue;
    const expectation = scene.expectations[event.account_id === ACCOUNTS[0] ? ACCOUNTS[0] : ACCOUNTS[1]];
    expect(expectation.isPayable(event), `I16 of event ${event.event_id} at ${event.occurred_at}`).toBe(true);
  }
}

/** `usage.get` over a random range against the plain list. */
async function checkRange(
  scene: Scene,
  account: (typeof ACCOUNTS)[number],
  expectation: Expectation,
  random: () => number,
): Promise<void> {
  const instants = expectation.events.map(({ occurred_at }) => occurred_at);
  const pick = () => (instants[Math.floor(random() * instants.length)] ?? 0) + Math.round(random() * 4 - 2);
  const [a, b] = [pick(), pick()];
  const start = Math.min(a, b);
  const end = Math.max(a, b) + 1;
  const { quantity } = await scene.get(account, start, end);
  expect(quantity, `get of ${account} over [${start}, ${end})`).toBe(expectation.quantityIn(start, end));
}

/** SQLite: the chain of a report has its events, each once. */
function checkChain(
  last_event_id: number | null,
  own: readonly EventRow[],
  byId: ReadonlyMap<number, EventRow>,
  name: string,
): void {
  const chain: number[] = [];
  for (let id = last_event_id; id !== null; id = byId.get(id)?.previous_event_id ?? null) {
    chain.push(id);
    if (chain.length > byId.size) throw new Error('The chain of a report has no end.');
  }
  expect(chain.toSorted(ascending), `${name}: chain`).toEqual(
    own.map(({ event_id }) => event_id).toSorted(ascending),
  );
}

function ascending(a: number, b: number): number {
  return a - b;
}

export function keyOf({ account_id, meter, report_id }: EventRow | ReportRow): string {
  return `${account_id}|${meter}|${report_id}`;
}

export function total(rows: readonly { quantity: number }[]): number {
  return rows.reduce((sum, { quantity }) => sum + quantity, 0);
}
