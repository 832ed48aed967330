import { useSyncExternalStore } from 'react';
import type {
  AccountParams,
  CallOptions,
  PageParams,
  RangeParams,
  SubjectParams,
  UsageClient,
  WindowsParams,
} from '../client/client.ts';
import type {
  ChangeResult,
  CostResult,
  Increment,
  IncrementResult,
  InvoicesPage,
  PlansResult,
  SeatsResult,
  UsageByMeterResult,
  UsageResult,
  UsageWindowsResult,
} from '../client/wire.ts';
import { daysOfLastUsed } from './bars.ts';
import { useUsageContext } from './provider.tsx';
import type { QueryOptions } from './queries.ts';
import type { QueryState } from './query.ts';

/** What a hook answers: the latest data, and how it stands with reading it. */
export interface QueryResult<Data> extends QueryState<Data> {
  /** There is neither data nor an error yet. */
  readonly isLoading: boolean;
  /** Reads again at once. */
  readonly refresh: () => void;
}

/** What Stripe is asked for changes rarely, and each answer costs a request there. */
const AT_STRIPE = { minPollMs: 60_000 } as const;

/**
 * Reads something again and again for as long as a component shows it: pausing while the page is hidden, more rarely
 * while it fails. Components with the same `key` share one reading.
 *
 * @param key names what is read.
 * @param load reads it; undefined is no answer.
 */
export function useQuery<Data>(
  key: string,
  load: (signal: AbortSignal) => Promise<Data>,
  options: QueryOptions<Data> = {},
): QueryResult<Data> {
  const query = useUsageContext().queries.get(key, load, options);
  const state = useSyncExternalStore(query.subscribe, query.getState, query.getState);
  const isLoading = state.data === undefined && state.error === undefined;
  return { ...state, isLoading, refresh: query.refresh };
}

/** Usage of one meter, in the current billing period unless dates say otherwise. */
export function useUsage(
  params: SubjectParams & RangeParams & { readonly meter: string },
  options?: QueryOptions<UsageResult>,
): QueryResult<UsageResult>;
/** Usage of the only meter, or per meter where there are several. */
export function useUsage(
  params?: SubjectParams & RangeParams,
  options?: QueryOptions<UsageResult | UsageByMeterResult>,
): QueryResult<UsageResult | UsageByMeterResult>;
export function useUsage(
  params: SubjectParams & RangeParams = {},
  options?: QueryOptions<UsageResult | UsageByMeterResult>,
): QueryResult<UsageResult | UsageByMeterResult> {
  return useRead('usage', params, (client) => client.get, options);
}

/** What the current billing period costs so far, with the price, its tiers and the limit. */
export function useCost(
  params: SubjectParams = {},
  options?: QueryOptions<CostResult>,
): QueryResult<CostResult> {
  return useRead('cost', params, (client) => client.cost, options);
}

/** Usage hour by hour, day by day or month by month. Default of the time zone: the provider's. */
export function useUsageWindows(
  params: WindowsParams,
  options?: QueryOptions<UsageWindowsResult>,
): QueryResult<UsageWindowsResult> {
  const { timeZone } = useUsageContext();
  return useRead('windows', { time_zone: timeZone, ...params }, (client) => client.windows, options);
}

/** What the chart shows of the billing period: its days, or the hours around the last in which something was used. */
export function useChartWindows(
  params: WindowsParams,
  hours: number,
  options?: QueryOptions<UsageWindowsResult>,
): QueryResult<UsageWindowsResult> {
  const { timeZone } = useUsageContext();
  const isOfHours = params.window === 'hour';
  return useRead(
    isOfHours ? `windows ${hours}` : 'windows',
    { time_zone: timeZone, ...params },
    (client) => (isOfHours ? (given, call) => readHours(client, given, hours, call) : client.windows),
    options,
  );
}

async function readHours(client: UsageClient, params: WindowsParams, hours: number, call: CallOptions) {
  const days = await client.windows({ ...params, window: 'day' }, call);
  return await client.windows({ ...params, ...daysOfLastUsed(days, hours) }, call);
}

/** The plans that the account may see. */
export function usePlans(options?: QueryOptions<PlansResult>): QueryResult<PlansResult> {
  const { client } = useUsageContext();
  return useQuery('plans', (signal) => client.plans.list({ signal }), options);
}

/** The change of the plan, of seats, or to the end of the subscription that was asked for last; null = none was. */
export function useLastChange(
  params: AccountParams = {},
  options?: QueryOptions<ChangeResult | null>,
): QueryResult<ChangeResult | null> {
  return useRead('change', params, (client) => client.subscriptions.lastChange, options);
}

/** What the account was billed, newest first; `limit` is 1 to 100, 10 by default. Polled once a minute at most: Stripe is asked. */
export function useInvoices(
  params: PageParams & { readonly account?: string | undefined } = {},
  options?: QueryOptions<InvoicesPage>,
): QueryResult<InvoicesPage> {
  return useRead('invoices', params, (client) => client.invoices.list, { ...AT_STRIPE, ...options });
}

/** How many seats the account has, and what one costs. Polled once a minute at most: Stripe is asked. */
export function useSeats(
  params: { readonly account?: string | undefined } = {},
  options?: QueryOptions<SeatsResult>,
): QueryResult<SeatsResult> {
  return useRead('seats', params, (client) => client.seats.get, { ...AT_STRIPE, ...options });
}

/** Records usage through the client, and shows it at once. The page needs a way in that may write: see docs/client.md. */
export function useRecord(): (increment: Increment) => Promise<IncrementResult> {
  const { client, queries } = useUsageContext();
  return async (increment) => {
    const result = await client.record(increment);
    queries.refresh();
    return result;
  };
}

/** Reads again at once whatever is shown. */
export function useRefresh(): () => void {
  const { queries } = useUsageContext();
  return () => queries.refresh();
}

function useRead<Params extends object, Data>(
  name: string,
  params: Params,
  methodOf: (client: UsageClient) => (params: Params, options: CallOptions) => Promise<Data>,
  options: QueryOptions<Data> | undefined,
): QueryResult<Data> {
  const { client } = useUsageContext();
  return useQuery(keyOf(name, params), (signal) => methodOf(client)(params, { signal }), options);
}

/** The same parameters in another order are the same key. */
function keyOf(name: string, params: object): string {
  const given = Object.entries(params).filter(([, value]) => value !== undefined);
  return `${name} ${JSON.stringify(given.toSorted(([a], [b]) => (a < b ? -1 : 1)))}`;
}
