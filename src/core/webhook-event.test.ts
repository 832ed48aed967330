import { expect, test } from 'vitest';
import { WEBHOOK_EVENT_TYPES, type WebhookTask, webhookTaskOf } from './webhook-event.ts';

const EVENTS: readonly [WebhookTask, readonly string[]][] = [
  // The first that is heard of a subscription: perhaps no account has its customer yet.
  ['link', ['checkout.session.completed', 'customer.subscription.created']],
  [
    'sync',
    [
      ...['updated', 'deleted', 'paused', 'resumed'].map((what) => `customer.subscription.${what}`),
      ...['upcoming', 'created', 'finalized', 'finalization_failed'].map((what) => `invoice.${what}`),
      ...['paid', 'payment_failed', 'payment_action_required', 'voided'].map((what) => `invoice.${what}`),
    ],
  ],
  ['meter_deactivated', ['billing.meter.deactivated']],
  ['meter_errors', ['v1.billing.meter.error_report_triggered', 'v1.billing.meter.no_meter_found']],
];

test.each(EVENTS)('the task %s is what these events ask for: %j', (task, types) => {
  expect(types.map(webhookTaskOf)).toEqual(types.map(() => task));
});

test('Stripe is asked for the events that ask for something, and for no others', () => {
  const types = EVENTS.flatMap(([, each]) => each);
  const { snapshot, thin } = WEBHOOK_EVENT_TYPES;
  expect([...snapshot, ...thin].toSorted()).toEqual(types.toSorted());
  // Version 2 of the API sends its events thin.
  expect(thin).toEqual(types.filter((type) => type.startsWith('v1.')));
  expect(webhookTaskOf('customer.created')).toBeNull();
});
