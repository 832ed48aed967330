import { expect, test } from 'vitest';
import { DAY, FEBRUARY_28, HOUR } from '../../../test/support/credits-scene.ts';
import { createPlanChangeScene } from '../../../test/support/plan-change-scene.ts';

test.each([
  ['keep_as_draft', 'draft'],
  ['mark_uncollectible', 'uncollectible'],
  ['void', 'void'],
] as const)(
  'while collection is paused to %s the invoice of a period becomes %s',
  async (behavior, status) => {
    const { clock, stripe, simulator, customer, subscribe, report, bills } = await createPlanChangeScene();
    const { id } = await subscribe();
    const paused = await stripe.subscriptions.update(id, { pause_collection: { behavior } });
    expect(paused).toMatchObject({ status: 'active', pause_collection: { behavior, resumes_at: null } });
    await report(10);
    clock.time = FEBRUARY_28;
    simulator.settle();
    expect(bills()[0]).toEqual([status, 20]);
    clock.time += 10 * DAY;
    expect(simulator.invoices(customer.id)[0]).toMatchObject({
      status,
      auto_advance: false,
      automatically_finalizes_at: null,
      amount_remaining: 20,
    });
    const resumed = await stripe.subscriptions.update(id, { pause_collection: '' });
    expect(resumed.pause_collection).toBeNull();
    await report(5);
    clock.time = Date.UTC(2026, 2, 31, 12) + HOUR;
    expect(bills()).toEqual([
      [status, 20],
      ['paid', 10],
    ]);
  },
);

test('a draft that was kept can be finalised by hand and is paid then', async () => {
  const { clock, stripe, subscribe, report } = await createPlanChangeScene();
  const { id } = await subscribe();
  await stripe.subscriptions.update(id, { pause_collection: { behavior: 'keep_as_draft' } });
  await report(10);
  clock.time = FEBRUARY_28 + DAY;
  const [draft] = (await stripe.invoices.list({ subscription: id, status: 'draft' })).data;
  expect(await stripe.invoices.finalizeInvoice(draft?.id ?? '')).toMatchObject({ status: 'paid', total: 20 });
});

test('collection resumes by itself at the time that was set, also exactly at the end of a period', async () => {
  for (const resumes_at of [FEBRUARY_28 / 1000 - 1, FEBRUARY_28 / 1000, FEBRUARY_28 / 1000 + 1]) {
    const { clock, stripe, simulator, subscribe, report, bills } = await createPlanChangeScene();
    const { id } = await subscribe();
    await stripe.subscriptions.update(id, { pause_collection: { behavior: 'void', resumes_at } });
    expect(simulator.nextEventAt()).toBe(Math.min(resumes_at * 1000, FEBRUARY_28));
    await report(10);
    clock.time = FEBRUARY_28 + HOUR;
    expect(bills()[0]).toEqual([resumes_at * 1000 > FEBRUARY_28 ? 'void' : 'paid', 20]);
    expect((await stripe.subscriptions.retrieve(id)).pause_collection).toBeNull();
  }
});
