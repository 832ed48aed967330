import { expect, test } from 'vitest';
import { createCreditsScene, DAY, HOUR, MINUTE, refusal } from '../../../test/support/credits-scene.ts';

test('a range includes its start and excludes its end, to the second', async () => {
  const { clock, stripe, meter, customer, report } = await createCreditsScene({ lag_minutes: [0, 0] });
  const minute = clock.time - HOUR;
  await report(1, { timestamp: minute - 1000 });
  await report(10, { timestamp: minute });
  await report(100, { timestamp: minute + MINUTE - 1000 });
  await report(1000, { timestamp: minute + MINUTE });
  const { data } = await stripe.billing.meters.listEventSummaries(meter.id, {
    customer: customer.id,
    start_time: minute / 1000,
    end_time: (minute + MINUTE) / 1000,
  });
  expect(data).toMatchObject([{ aggregated_value: 110, meter: meter.id, start_time: minute / 1000 }]);
});

test('without a grouping window there is always one summary, also of nothing', async () => {
  const { clock, stripe, meter, customer } = await createCreditsScene();
  const { data } = await stripe.billing.meters.listEventSummaries(meter.id, {
    customer: customer.id,
    start_time: clock.time / 1000 - 60,
    end_time: clock.time / 1000,
  });
  expect(data).toMatchObject([{ aggregated_value: 0 }]);
});

test('with a grouping window there is one summary for each window with usage, newest first, in pages', async () => {
  const { clock, stripe, meter, customer, report } = await createCreditsScene({ lag_minutes: [0, 0] });
  const day = clock.time - (clock.time % DAY);
  for (const hour of [1, 1, 5, 9]) await report(hour, { timestamp: day + hour * HOUR + MINUTE });
  const params = { customer: customer.id, start_time: day / 1000, end_time: (day + DAY) / 1000 };
  const hours = await stripe.billing.meters
    .listEventSummaries(meter.id, { ...params, value_grouping_window: 'hour', limit: 1 })
    .autoPagingToArray({ limit: 10 });
  expect(hours.map(({ aggregated_value }) => aggregated_value)).toEqual([9, 5, 2]);
  const days = await stripe.billing.meters.listEventSummaries(meter.id, {
    ...params,
    value_grouping_window: 'day',
  });
  expect(days.data).toMatchObject([{ aggregated_value: 16, start_time: day / 1000 }]);
});

test.each([
  ['start_time', 1, 60, undefined],
  ['end_time', 0, 61, undefined],
  ['end_time', 0, 0, undefined],
  ['start_time', 60, 3600, 'hour'],
  ['end_time', 0, 3600, 'day'],
] as const)(
  'a %s that is not aligned or not in order is refused',
  async (param, start, end, value_grouping_window) => {
    const { clock, stripe, meter, customer } = await createCreditsScene();
    const day = (clock.time - (clock.time % DAY)) / 1000;
    const error = await refusal(
      stripe.billing.meters.listEventSummaries(meter.id, {
        customer: customer.id,
        start_time: day + start,
        end_time: day + end,
        ...(value_grouping_window === undefined ? {} : { value_grouping_window }),
      }),
    );
    expect(error).toMatchObject({ statusCode: 400, param });
  },
);

test('an unknown meter or customer is named', async () => {
  const { stripe, meter } = await createCreditsScene();
  const range = { customer: 'cus_unknown', start_time: 0, end_time: 60 };
  expect(await refusal(stripe.billing.meters.listEventSummaries('mtr_unknown', range))).toMatchObject({
    statusCode: 404,
    code: 'resource_missing',
  });
  expect(await refusal(stripe.billing.meters.listEventSummaries(meter.id, range))).toMatchObject({
    statusCode: 400,
    param: 'customer',
  });
});
