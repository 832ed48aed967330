import { ERRORS, type UsageErrorCode } from '../core/errors.ts';

/** For who sends requests, where the library's own remedy is for who writes the app. */
const OF_REQUESTS: Partial<Record<UsageErrorCode, string>> = {
  invalid_meter: 'Send the name of one of the meters that the app counts.',
  meter_required: 'Send `meter`.',
  invalid_timestamp:
    "Send an ISO 8601 instant with its zone, such as '2026-10-10T12:00:00Z', within that window.",
  invalid_period:
    "Send both `period_start` and `period_end`, as '2026-10-10' (UTC midnight) or an ISO 8601 instant with its zone.",
  invalid_plan: 'Send the name of a plan as GET /v1/plans shows it.',
  invalid_parameter:
    'Check the request against the documentation of the route; unknown fields are refused so that a typo loses nothing.',
  account_not_found: 'Check the id: an account is created by PUT /v1/account, or by its first increment.',
  report_not_found: 'Send a number that GET /v1/reports or GET /v1/usage shows, with its meter.',
  webhook_event_not_parked: 'Look at GET /v1/webhooks?status=parked; others are handled by themselves.',
  late_usage: 'Record usage as it happens: the app refuses what comes too late.',
};

/** What whoever sent a request can do about an error. */
export function remedyOf(code: UsageErrorCode): string {
  return OF_REQUESTS[code] ?? ERRORS[code].remedy;
}
