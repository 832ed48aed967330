import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createCreditsScene, DAY, HOUR, JANUARY_31, MINUTE } from '../../../test/support/credits-scene.ts';
import { FAST_FOLDER } from '../../../test/support/fast-folder.ts';
import { createSimulatedStripe } from '../../../test/support/simulated-stripe.ts';

let folder = '';
let state_file = '';

beforeEach(() => {
  folder = mkdtempSync(join(FAST_FOLDER, 'stripe-simulator-'));
  state_file = join(folder, 'stripe.db');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('a reopened simulator continues exactly: pending counts, identifiers, answers, periods and lags', async () => {
  const run = async (isReopened: boolean) => {
    const file = isReopened ? { state_file } : {};
    const scene = await createCreditsScene(file);
    const { clock, customer, price, report } = scene;
    let { simulator, stripe } = scene;
    await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] });
    await report(25, { identifier: 'report-1', key: 'key-1' });
    simulator.faults.add({ kind: 'hang', effect_after_ms: HOUR, path: '/v1/customers' });
    await stripe.customers.create({ name: 'Zombie' }, { timeout: 5 }).catch(() => {});
    if (isReopened) {
      await simulator.close();
      ({ simulator, stripe } = createSimulatedStripe({ clock, ...file }));
    }
    const again = { event_name: 'credits', payload: { stripe_customer_id: customer.id, value: '25' } };
    const duplicate = await stripe.billing.meterEvents
      .create({ ...again, identifier: 'report-1' })
      .catch((error) => error.message);
    const params = { ...again, identifier: 'report-1', timestamp: clock.time / 1000 };
    const replayed = await stripe.billing.meterEvents.create(params, { idempotencyKey: 'key-1' });
    for (const idempotencyKey of ['a', 'b', 'c']) {
      await stripe.billing.meterEvents.create(again, { idempotencyKey });
    }
    const agenda: (number | null)[] = [];
    for (
      let next = simulator.nextEventAt();
      next !== null && agenda.length < 12;
      next = simulator.nextEventAt()
    ) {
      agenda.push(next);
      clock.time = next;
      simulator.settle();
    }
    const result = {
      duplicate,
      replayed: { ...replayed },
      agenda,
      events: simulator.events(),
      invoices: simulator.invoices(customer.id),
      counted: simulator.counted(customer.id, 'credits', JANUARY_31, JANUARY_31 + DAY),
    };
    await simulator.close();
    return result;
  };
  const reopened = await run(true);
  expect(reopened).toEqual(await run(false));
  expect(reopened.duplicate).toBe('An event already exists with identifier report-1.');
  expect(reopened.counted).toBe(100);
  expect(reopened.agenda.length).toBeGreaterThan(5);
});

test('what has been answered survives a kill', async () => {
  const module = new URL('./stripe-simulator.ts', import.meta.url).href;
  const program = `
    import { createStripeSimulator } from ${JSON.stringify(module)};
    const clock = { now: () => ${JANUARY_31} };
    const simulator = createStripeSimulator({ clock, state_file: process.argv[1] });
    console.log((await simulator.listen()).url);
  `;
  const flags = ['--no-warnings', '--input-type=module', '-e', program, state_file];
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const url = await new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve));
  const ids: string[] = [];
  for (let count = 0; count < 5; count += 1) {
    const response = await fetch(`${url}/v1/customers`, {
      method: 'POST',
      headers: { Authorization: 'Bearer sk_test_x', 'Idempotency-Key': `key-${count}` },
      body: new URLSearchParams({ name: `customer ${count}` }),
    });
    if (count === 4) child.kill('SIGKILL'); // The answer's headers are here; nothing else may be needed.
    ids.push(count === 4 ? '' : ((await response.json()) as { id: string }).id);
  }
  await exited;

  const { simulator, stripe } = createSimulatedStripe({
    clock: { now: () => JANUARY_31 + MINUTE },
    state_file,
  });
  for (const [count, id] of ids.entries()) {
    const replayed = await stripe.customers.create(
      { name: `customer ${count}` },
      { idempotencyKey: `key-${count}` },
    );
    expect(simulator.requests().at(-1)).toMatchObject({ replayed: true });
    if (id !== '') expect(replayed.id).toBe(id);
  }
  await simulator.close();
});

test('a state file belongs to one simulator at a time', async () => {
  const { simulator } = await createCreditsScene({ state_file });
  expect(() => createSimulatedStripe({ state_file })).toThrow(/locked/);
  await simulator.close();
  await createSimulatedStripe({ state_file }).simulator.close();
});

test('what waits for an invoice, a pause and an end survive, and items are still found by their ids', async () => {
  const run = async (isReopened: boolean) => {
    const file = isReopened ? { state_file } : {};
    const scene = await createCreditsScene({ lag_minutes: [0, 0], ...file });
    const { clock, customer, price, report } = scene;
    let { simulator, stripe } = scene;
    const { id, items } = await stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: price.id }],
    });
    await stripe.invoiceItems.create({ customer: customer.id, amount: -9, currency: 'usd' });
    await stripe.subscriptions.update(id, {
      pause_collection: { behavior: 'void', resumes_at: clock.time / 1000 + 86_400 },
      cancel_at: clock.time / 1000 + 2 * 86_400,
    });
    await report(10);
    if (isReopened) {
      await simulator.close();
      ({ simulator, stripe } = createSimulatedStripe({ clock, ...file }));
    }
    const item = await stripe.subscriptionItems.retrieve(items.data[0]?.id ?? '');
    const agenda = [simulator.nextEventAt()];
    clock.time += DAY;
    simulator.settle();
    agenda.push(simulator.nextEventAt());
    clock.time += 2 * DAY;
    const result = { item: { ...item }, agenda, invoices: simulator.invoices(customer.id) };
    await simulator.close();
    return result;
  };
  const [stayed, reopened] = [await run(false), await run(true)];
  expect(reopened).toEqual(stayed);
  expect(stayed.invoices.map(({ status, total }) => [status, total])).toEqual([['paid', 11]]);
});
