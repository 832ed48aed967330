import { parseAccountId } from '../core/account.ts';
import { parseRange } from '../core/date-range.ts';
import { UsageError } from '../core/errors.ts';
import type { DateInput } from '../core/instant.ts';
import { type Meters, parseMeter } from '../core/meter.ts';
import { parseFields } from '../core/usage-event.ts';
import { parseWindow, type WindowName } from '../core/usage-window.ts';
import type { AccountContext } from '../query/billed-account.ts';
import { type CostResult, queryCost } from '../query/cost-so-far.ts';
import { queryWindows, type UsageWindowsResult } from '../query/usage-windows.ts';

/** Parameters of `usage.windows`. */
export interface WindowsParams<Meter extends string = string> {
  readonly account: string;
  /** Default: the only meter, or `default_meter`. */
  readonly meter?: Meter | undefined;
  readonly window: WindowName;
  /** IANA name, such as `'Europe/Berlin'`. Default: `'UTC'`. */
  readonly time_zone?: string | undefined;
  /** As in `usage.get`. Default: the current billing period. */
  readonly period_start?: DateInput | undefined;
  /** Exclusive. At most 1,000 windows after `period_start`. */
  readonly period_end?: DateInput | undefined;
}

/** Parameters of `usage.cost`. */
export interface CostParams<Meter extends string = string> {
  readonly account: string;
  /** Default: the only meter, or `default_meter`. */
  readonly meter?: Meter | undefined;
}

const WINDOWS_FIELDS = new Set(['account', 'meter', 'window', 'time_zone', 'period_start', 'period_end']);
const COST_FIELDS = new Set(['account', 'meter']);

/** The methods behind `usage.windows` and `usage.cost`. */
export function createReadings(context: AccountContext & { readonly meters: Meters }) {
  return {
    async windows(params: unknown): Promise<UsageWindowsResult> {
      const fields = parseFields(params, WINDOWS_FIELDS);
      return await queryWindows(context, {
        account_id: parseAccountId(fields['account']),
        meter: parseMeter(fields['meter'], context.meters),
        range: parseRange(fields['period_start'], fields['period_end']),
        window: parseWindow(fields['window']),
        time_zone: parseTimeZone(fields['time_zone']),
      });
    },

    async cost(params: unknown): Promise<CostResult> {
      const { account, meter } = parseFields(params, COST_FIELDS);
      const account_id = parseAccountId(account);
      return await queryCost(context, { account_id, meter: parseMeter(meter, context.meters) });
    },
  };
}

/** Whether the zone exists is seen when its clock is asked. */
function parseTimeZone(value: unknown = 'UTC'): string {
  if (typeof value === 'string') return value;
  throw new UsageError('invalid_window', { field: 'time_zone', value });
}
