import type { AgendaEntry } from './agenda.ts';
import type { Answer } from './answer.ts';
import { sendErrorReport } from './error-reports.ts';
import { finalizeInvoice } from './invoice-issuing.ts';
import { countMeterEvent } from './meter-events.ts';
import type { Route } from './route.ts';
import { saveAnswer } from './saved-answers.ts';
import type { Simulation } from './simulation.ts';
import { StripeError } from './stripe-error.ts';
import { advanceSubscription } from './subscription-cycle.ts';

/** Lets everything happen that is due by an instant, each at its own time and in that order. */
export function settle(simulation: Simulation, routes: ReadonlyMap<string, Route>, until_ms: number): void {
  for (;;) {
    const at = nextEventAt(simulation);
    if (at === null || at > until_ms) break;
    const entry = simulation.agenda.pop();
    if (entry === undefined) break;
    simulation.now_ms = entry.at;
    happen(simulation, routes, entry);
  }
  simulation.now_ms = until_ms;
}

/** When something happens next by itself, in milliseconds; null: nothing will. */
export function nextEventAt(simulation: Simulation): number | null {
  const { agenda } = simulation;
  while (agenda.next !== undefined && !simulation.isExpected(agenda.next)) agenda.pop();
  return agenda.next?.at ?? null;
}

function happen(simulation: Simulation, routes: ReadonlyMap<string, Route>, { kind, id }: AgendaEntry): void {
  const { meterEvents, subscriptions, invoices, errorReports } = simulation.state;
  const event = kind === 'count' ? meterEvents.get(id) : undefined;
  const subscription = kind === 'period_end' ? subscriptions.get(id) : undefined;
  const invoice = kind === 'finalize' ? invoices.get(id) : undefined;
  const report = kind === 'error_report' ? errorReports.get(id) : undefined;
  if (report) sendErrorReport(simulation, report);
  if (event) countMeterEvent(simulation, event);
  if (subscription) advanceSubscription(simulation, subscription);
  if (invoice) finalizeInvoice(simulation, invoice);
  if (kind === 'delayed_request') executeDelayed(simulation, routes, id);
}

/** A request takes effect long after its sender gave up on it; the answer is kept, as if it had been sent. */
function executeDelayed(simulation: Simulation, routes: ReadonlyMap<string, Route>, id: string): void {
  const request = simulation.state.delayedRequests.get(id);
  simulation.state.delayedRequests.delete(id);
  const route = request && routes.get(request.route);
  if (!route) return;
  const { path_id, params, idempotency_key, fingerprint } = request;
  const answer = execute(simulation, route, { id: path_id, params, idempotency_key, forced_rejection: null });
  if (idempotency_key !== null) saveAnswer(simulation, idempotency_key, fingerprint, answer);
}

/** Runs a handler; its refusal is an answer too. */
export function execute(
  simulation: Simulation,
  route: Route,
  request: Parameters<Route['handle']>[1],
): Answer {
  try {
    return { status: 200, body: route.handle(simulation, request), headers: {} };
  } catch (error) {
    if (!(error instanceof StripeError)) throw error;
    return { status: error.status, body: error.body, headers: error.headers };
  }
}
