import { readdirSync, readFileSync } from 'node:fs';
import { context, metrics, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { UsageError } from '../src/index.ts';
import { HOUR, MINUTE } from './support/credits-scene.ts';
import { createWorld } from './support/world.ts';

const metricExporter = new InMemoryMetricExporter(AggregationTemporality.DELTA);
const reader = new PeriodicExportingMetricReader({
  exporter: metricExporter,
  exportIntervalMillis: 3_600_000,
});
const meterProvider = new MeterProvider({ readers: [reader] });
const spanExporter = new InMemorySpanExporter();
const tracerProvider = new TracerProvider({
  spanProcessors: [new SimpleSpanProcessor({ exporter: spanExporter })],
});
metrics.setGlobalMeterProvider(meterProvider);
trace.setGlobalTracerProvider(tracerProvider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

beforeEach(async () => {
  await meterProvider.forceFlush();
  metricExporter.reset();
  spanExporter.reset();
});

afterAll(async () => {
  await meterProvider.shutdown();
  await tracerProvider.shutdown();
});

interface Point {
  readonly name: string;
  readonly unit: string;
  readonly attributes: object;
  readonly value: unknown;
}

/** acct_1 has a subscription. */
async function linkPayer({ usage, subscribe }: Awaited<ReturnType<typeof createWorld>>): Promise<void> {
  const { customer } = await subscribe();
  await usage.accounts.set({ account: 'acct_1', plan: 'pro', stripe_customer: customer.id });
}

/** What was measured since it was asked last. */
async function collect(): Promise<Point[]> {
  metricExporter.reset();
  await meterProvider.forceFlush();
  return metricExporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .filter(({ scope }) => scope.name === 'tallybook')
    .flatMap((scope) => scope.metrics)
    .flatMap(({ descriptor: { name, unit }, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => ({ name, unit, attributes, value })),
    );
}

const named = (points: readonly Point[], name: string) =>
  points.filter((point) => point.name === name).map(({ attributes, value }) => ({ attributes, value }));

test('commits of usage are measured one by one, and their entries by what became of them', async () => {
  const { usage } = await createWorld({ with_stripe: false });
  const call = { account: 'acct_1', quantity: 3, idempotency_key: 'k1' };
  await usage.increment(call);
  await Promise.all([usage.increment(call), usage.increment({ account: 'acct_2' })]);
  await expect(usage.increment({ ...call, quantity: 4 })).rejects.toThrow(UsageError);
  const points = await collect();
  expect(named(points, 'tallybook.commit.entries')).toMatchObject([{ value: { count: 3, sum: 4 } }]);
  expect(named(points, 'tallybook.commit.duration')).toMatchObject([{ attributes: {}, value: { count: 3 } }]);
  expect(named(points, 'tallybook.entries')).toEqual([
    { attributes: { 'tallybook.outcome': 'recorded' }, value: 2 },
    { attributes: { 'tallybook.outcome': 'duplicate' }, value: 1 },
    { attributes: { 'tallybook.outcome': 'conflict' }, value: 1 },
  ]);
  expect(named(points, 'tallybook.errors')).toEqual([
    { attributes: { 'tallybook.code': 'idempotency_conflict' }, value: 1 },
  ]);
});

test('a commit that fails is told with its error, which reaches the caller as ever', async () => {
  const failing = new UsageError('storage_failed', { reason: 'The disk is gone.' });
  const { usage } = await createWorld({
    with_stripe: false,
    wrapping: { store: (store) => ({ ...store, recordUsage: () => Promise.reject(failing) }) },
  });
  await expect(usage.increment({ account: 'acct_1' })).rejects.toBe(failing);
  const points = await collect();
  expect(named(points, 'tallybook.commit.duration')).toMatchObject([
    { attributes: { 'error.type': 'storage_failed' }, value: { count: 1 } },
  ]);
  expect(named(points, 'tallybook.entries')).toEqual([
    { attributes: { 'tallybook.outcome': 'failed' }, value: 1 },
  ]);
});

test('a report to Stripe is a span with its customer, and a point in metrics without', async () => {
  const world = await createWorld();
  await linkPayer(world);
  await world.usage.increment({ account: 'acct_1', quantity: 7 });
  world.clock.advance(MINUTE);
  await collect();
  await world.usage.report({ account: 'acct_1' });
  const [span, ...others] = spanExporter
    .getFinishedSpans()
    .filter(({ name }) => name === 'tallybook.stripe sendReport');
  expect(others).toEqual([]);
  expect(span?.status.code).toBe(SpanStatusCode.UNSET);
  expect(span?.attributes).toMatchObject({
    'tallybook.call': 'sendReport',
    'tallybook.priority': 'interactive',
    'tallybook.outcome': 'accepted',
    'tallybook.meter': 'credits',
    'tallybook.quantity': 7,
    'tallybook.stripe_customer': expect.stringMatching(/^cus_/),
  });
  const sent = named(await collect(), 'tallybook.stripe.call.duration').filter(({ attributes }) =>
    Object.values(attributes).includes('sendReport'),
  );
  expect(sent).toMatchObject([{ value: { count: 1 } }]);
  expect(sent[0]?.attributes).toEqual({
    'tallybook.call': 'sendReport',
    'tallybook.priority': 'interactive',
    'tallybook.outcome': 'accepted',
  });
});

test('calls to Stripe are children of what the app is doing, and requests are children of them', async () => {
  const seen: unknown[] = [];
  const world = await createWorld({
    stripe_fetch: (input, init) => {
      seen.push(trace.getActiveSpan()?.spanContext().spanId);
      return world.simulator.fetch(input, init);
    },
  });
  await linkPayer(world);
  await world.usage.increment({ account: 'acct_1' });
  seen.length = 0;
  spanExporter.reset();
  const request = await trace.getTracer('app').startActiveSpan('POST /report', async (span) => {
    await world.usage.report({ account: 'acct_1' });
    span.end();
    return span.spanContext();
  });
  const calls = spanExporter.getFinishedSpans().filter(({ name }) => name.startsWith('tallybook.stripe '));
  expect(calls.length).toBeGreaterThan(0);
  for (const call of calls) expect(call.parentSpanContext?.spanId).toBe(request.spanId);
  const ids = new Set(calls.map((call) => call.spanContext().spanId));
  expect(seen.length).toBeGreaterThan(0);
  for (const id of seen) expect(ids).toContain(id);
});

test('a call that Stripe does not answer is an error of its span, with Stripe’s words', async () => {
  const world = await createWorld();
  await linkPayer(world);
  await world.usage.increment({ account: 'acct_1' });
  world.clock.advance(MINUTE);
  world.simulator.faults.add({ kind: '500_before', method: 'POST', path: '/v1/billing/meter_events' });
  await world.usage.report({ account: 'acct_1' });
  const span = spanExporter.getFinishedSpans().find(({ name }) => name === 'tallybook.stripe sendReport');
  expect(span?.attributes['tallybook.outcome']).toBe('unknown');
  expect(span?.status).toMatchObject({ code: SpanStatusCode.ERROR, message: expect.stringMatching(/./) });
});

test('gauges say how late the job is and how many reports wait for a person, until the app closes', async () => {
  const { usage, clock } = await createWorld({ with_stripe: false });
  expect(named(await collect(), 'tallybook.job.lateness')).toEqual([]);
  await usage.increment({ account: 'acct_1' });
  const points = await collect();
  expect(named(points, 'tallybook.job.lateness')).toEqual([{ attributes: {}, value: 0 }]);
  expect(named(points, 'tallybook.reports_to_decide')).toEqual([
    { attributes: { 'tallybook.status': 'held' }, value: 0 },
    { attributes: { 'tallybook.status': 'failed' }, value: 0 },
  ]);
  expect(named(points, 'tallybook.job.stripe_calls')).toEqual([]);
  await usage.worker.tick();
  clock.advance(20 * HOUR);
  // The job runs at midnight, twelve hours after the start.
  expect(named(await collect(), 'tallybook.job.lateness')).toEqual([{ attributes: {}, value: 8 * 3_600 }]);
  await usage.close();
  expect(named(await collect(), 'tallybook.job.lateness')).toEqual([]);
});

test('reports that are held, and calls of the job to Stripe, are counted', async () => {
  const world = await createWorld();
  const { customer } = await world.subscribe();
  await world.subscribe({ customer: customer.id });
  await world.usage.accounts.set({ account: 'acct_1', stripe_customer: customer.id });
  await world.usage.increment({ account: 'acct_1' });
  world.clock.advance(MINUTE);
  await world.usage.report({ account: 'acct_1' });
  const points = await collect();
  expect(named(points, 'tallybook.reports_to_decide')).toEqual([
    { attributes: { 'tallybook.status': 'held' }, value: 1 },
    { attributes: { 'tallybook.status': 'failed' }, value: 0 },
  ]);
  expect(named(points, 'tallybook.job.stripe_calls')).toEqual([
    { attributes: { 'tallybook.state': 'in_flight' }, value: 0 },
    { attributes: { 'tallybook.state': 'waiting' }, value: 0 },
  ]);
});

test('docs/telemetry.md lists every metric, and no other', () => {
  const sources = readdirSync('src/telemetry').map((file) => readFileSync(`src/telemetry/${file}`, 'utf8'));
  const created = sources.flatMap((source) =>
    [...source.matchAll(/\.create[A-Za-z]+\('([^']+)'/g)].map(([, name]) => name),
  );
  const rows = readFileSync('docs/telemetry.md', 'utf8').matchAll(/^\| `(tallybook\.[^`]+)` \|/gm);
  expect(created.length).toBeGreaterThan(5);
  expect([...rows].map(([, name]) => name).toSorted()).toEqual(created.toSorted());
});
