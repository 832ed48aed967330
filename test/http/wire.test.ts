import type { z } from '@hono/zod-openapi';
import { expectTypeOf, test } from 'vitest';
import type { HttpService } from '../../src/http/service.ts';
import type { usageByMeter, usageResult } from '../../src/http/wire/usage.ts';
import type {
  InvoiceExplanation,
  ReportExplanation,
  Usage,
  UsageByMeterResult,
  UsageResult,
} from '../../src/index.ts';

type KeyOf<Value> = Value extends unknown ? keyof Value : never;
type ValueAt<Value, Key> = Value extends unknown ? (Key extends keyof Value ? Value[Key] : never) : never;

/** Names of fields, at any depth, that an answer has and its wire schema does not; the compiler lets those pass. */
type Undocumented<Answer, Wire> = Answer extends readonly (infer Item)[]
  ? Undocumented<Item, Extract<Wire, readonly unknown[]>[number]>
  : Answer extends object
    ? {
        [Key in keyof Answer]-?: Key extends KeyOf<Wire>
          ? Undocumented<Exclude<Answer[Key], undefined>, ValueAt<Wire, Key>>
          : Key;
      }[keyof Answer]
    : never;

// biome-ignore lint/suspicious/noExplicitAny: whatever a method takes.
type Answer<Method extends (...params: any) => unknown> = Awaited<ReturnType<Method>>;

test('what the type says that is missing is missing', () => {
  expectTypeOf<Undocumented<{ a: 1; b: 2 }, { a: 1 }>>().toEqualTypeOf<'b'>();
  expectTypeOf<Undocumented<{ a: readonly { b: 1; c: 2 }[] }, { a: { b: 1 }[] }>>().toEqualTypeOf<'c'>();
  expectTypeOf<Undocumented<{ a: { b: 1 } | null }, { a: { c: 1 } | null }>>().toEqualTypeOf<'b'>();
  expectTypeOf<Undocumented<{ a: 1 } | { b: { c: 1 } }, { a: 1 } | { b: { d: 1 } }>>().toEqualTypeOf<'c'>();
  expectTypeOf<Undocumented<{ a: { b: 1 } | null }, { a: { b: 1 } | null; d: 1 }>>().toBeNever();
});

test('every field that a method answers with has its place in the wire schema', () => {
  expectTypeOf<Undocumented<UsageResult, z.input<typeof usageResult>>>().toBeNever();
  expectTypeOf<Undocumented<UsageByMeterResult, z.input<typeof usageByMeter>>>().toBeNever();
  expectTypeOf<Undocumented<Answer<Usage['windows']>, Answer<HttpService['windows']>>>().toBeNever();
  expectTypeOf<Undocumented<Answer<Usage['cost']>, Answer<HttpService['cost']>>>().toBeNever();
  expectTypeOf<Undocumented<Answer<Usage['reconcile']>, Answer<HttpService['reconcile']>>>().toBeNever();
  expectTypeOf<Undocumented<ReportExplanation, Answer<HttpService['explainReport']>>>().toBeNever();
  expectTypeOf<Undocumented<InvoiceExplanation, Answer<HttpService['explainInvoice']>>>().toBeNever();
  expectTypeOf<{ [Each in Group]: InGroup<Each> }[Group]>().toBeNever();
});

/** What has methods of its own, and is called the same in the library and behind the routes. */
type Group = {
  [Each in keyof HttpService & keyof Usage]: HttpService[Each] extends (...params: never) => unknown
    ? never
    : Each;
}[keyof HttpService & keyof Usage];

type InGroup<Of extends Group> = {
  [Each in keyof HttpService[Of] & keyof Usage[Of]]: Undocumented<
    Usage[Of][Each] extends (...params: never) => Promise<infer Result> ? Result : never,
    HttpService[Of][Each] extends (...params: never) => Promise<infer Wire> ? Wire : never
  >;
}[keyof HttpService[Of] & keyof Usage[Of]];

test('the groups of methods that are compared are those of the routes', () => {
  expectTypeOf<Group>().toEqualTypeOf<
    | 'accounts'
    | 'invoices'
    | 'limits'
    | 'plans'
    | 'reports'
    | 'seats'
    | 'subscriptions'
    | 'tokens'
    | 'webhooks'
  >();
});
