import { parseAccountId } from '../core/account.ts';
import { UsageError } from '../core/errors.ts';
import type { PriceInterval } from '../core/plan.ts';
import type { Price } from '../core/price.ts';
import { type SubscriptionChange, seatsItemOf } from '../core/subscription-change.ts';
import { Turns } from '../core/turns.ts';
import { parseFields } from '../core/usage-event.ts';
import { priceFields } from '../query/cost-so-far.ts';
import { awaitChange, isUnderWay } from './awaited-change.ts';
import {
  changeError,
  findSubscription,
  MAX_SEATS,
  refusePaused,
  type SubscriptionChangesContext,
} from './planned-change.ts';

export interface SetSeatsParams {
  readonly account: string;
  /** From 1 to 1,000,000. */
  readonly seats: number;
  /** How many there are now, as far as the caller knows; with another number the call is refused as `seats_changed`. */
  readonly expected?: number;
}

export interface AddSeatsParams {
  readonly account: string;
  /** How many join, or leave (negative). */
  readonly seats: number;
}

/** The seats of an account, as Stripe bills them. */
export interface SeatsResult {
  readonly account: string;
  readonly seats: number;
  /** What a change under way makes of them; null = none is. Seats are paid for, and to be given away, once it is null. */
  readonly pending_seats: number | null;
  readonly interval: PriceInterval;
  /** What they cost, in Stripe's field names. */
  readonly price: Price;
}

const ACCOUNT_FIELDS = new Set(['account']);
const SET_FIELDS = new Set(['account', 'seats', 'expected']);
const ADD_FIELDS = new Set(['account', 'seats']);
/** Others can be faster so often before a call gives up. */
const MAX_ROUNDS = 1_000;

/** The methods that sell seats, one change of an account after the other. */
export function createSeats(context: SubscriptionChangesContext) {
  const { clock } = context.environment;
  /** Calls of this process wait for each other here, those of others in the database. */
  const turns = new Turns();

  async function get(params: unknown): Promise<SeatsResult> {
    const { account } = parseFields(params, ACCOUNT_FIELDS);
    const found = await findSeats(context, account);
    const change = await context.store.getLastChange({ account_id: found.account_id });
    return toResult(found, isUnderWay(change) ? change.seats : null);
  }

  async function set(params: unknown): Promise<SeatsResult> {
    const fields = parseFields(params, SET_FIELDS);
    const wanted = parseCount(fields['seats'], 'seats');
    const expected = fields['expected'] === undefined ? null : parseCount(fields['expected'], 'expected');
    return await change(fields['account'], (present) => {
      if (expected === null || expected === present) return wanted;
      const reason = `There are ${present} seats, not ${expected}.`;
      throw new UsageError('seats_changed', { field: 'expected', value: expected, reason });
    });
  }

  async function add(params: unknown): Promise<SeatsResult> {
    const fields = parseFields(params, ADD_FIELDS);
    const added = parseDifference(fields['seats']);
    return await change(fields['account'], (present) => {
      const wanted = present + added;
      if (wanted >= 1 && wanted <= MAX_SEATS) return wanted;
      throw invalidCount('seats', added, `There are ${present} seats.`);
    });
  }

  async function change(account: unknown, decide: (present: number) => number): Promise<SeatsResult> {
    const account_id = parseAccountId(account);
    const deadline = clock.now() + context.verify_timeout_ms;
    return await turns.take(account_id, async () => {
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        const last = await waitUntilFree(account_id, deadline);
        const found = await findSeats(context, account_id);
        const seats = decide(found.seats);
        if (seats === found.seats) return toResult(found, null);
        refusePaused(found);
        const requested = await request(found, seats, last?.change_id ?? 0);
        if (requested !== null) return await conclude(found, requested, deadline);
      }
      throw new UsageError('change_pending', { field: 'account', value: account_id });
    });
  }

  /** null = another change was faster, and what was read is out of date. */
  async function request(
    { account_id, stripe_subscription }: FoundSeats,
    seats: number,
    after: number,
  ): Promise<SubscriptionChange | null> {
    const now = clock.now();
    const what = { kind: 'seats', plan: null, interval: null, stripe_subscription, seats } as const;
    try {
      return await context.store.requestChange({ ...what, account_id, after, now });
    } catch (error) {
      if (error instanceof UsageError && error.code === 'change_pending') return null;
      throw error;
    }
  }

  async function conclude(
    found: FoundSeats,
    requested: SubscriptionChange,
    deadline: number,
  ): Promise<SeatsResult> {
    await context.advance(found.account_id);
    const change = await awaitChange(context, requested, deadline);
    if (change.status === 'failed') throw changeError(change);
    const seats = change.seats ?? found.seats;
    return isUnderWay(change) ? toResult(found, seats) : toResult({ ...found, seats }, null);
  }

  /** @throws UsageError `change_pending` when another change takes too long. */
  async function waitUntilFree(account_id: string, deadline: number): Promise<SubscriptionChange | null> {
    const last = await context.store.getLastChange({ account_id });
    const change = isUnderWay(last) ? await awaitChange(context, last, deadline) : last;
    if (!isUnderWay(change)) return change;
    throw new UsageError('change_pending', { field: 'account', value: account_id });
  }

  return { get, set, add };
}

interface FoundSeats {
  readonly account_id: string;
  readonly stripe_subscription: string;
  readonly is_collection_paused: boolean;
  readonly seats: number;
  readonly interval: PriceInterval;
  readonly price: Price;
}

/** As Stripe has them now: they can be changed in its Dashboard as well. */
async function findSeats(context: SubscriptionChangesContext, account: unknown): Promise<FoundSeats> {
  const { account_id, subscription } = await findSubscription(context, account);
  const { stripe_subscription, is_collection_paused, items } = subscription;
  const item = seatsItemOf(items, context.plans);
  if (!item) {
    const reason = `${stripe_subscription} bills no seats.`;
    throw new UsageError('seats_not_sold', { field: 'account', value: account_id, reason });
  }
  const { quantity, interval, price } = item;
  return { account_id, stripe_subscription, is_collection_paused, seats: quantity ?? 1, interval, price };
}

function toResult({ account_id, seats, interval, price }: FoundSeats, pending_seats: number | null) {
  return { account: account_id, seats, pending_seats, interval, price: priceFields(price) };
}

function parseCount(value: unknown, field: string): number {
  if (isWhole(value) && value >= 1 && value <= MAX_SEATS) return value;
  throw invalidCount(field, value);
}

function parseDifference(value: unknown): number {
  if (isWhole(value) && value !== 0 && Math.abs(value) <= MAX_SEATS) return value;
  const reason = 'It is how many seats join, a whole number, or how many leave, a negative one.';
  throw new UsageError('invalid_parameter', { field: 'seats', value, reason });
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value);
}

function invalidCount(field: string, value: unknown, present = ''): UsageError {
  const range = `Seats are a whole number from 1 to ${MAX_SEATS.toLocaleString('en-US')}`;
  const reason = `${present} ${range}; an account without any cancels: usage.subscriptions.cancel().`.trim();
  return new UsageError('invalid_parameter', { field, value, reason });
}
