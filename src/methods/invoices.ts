import { parseAccountId } from '../core/account.ts';
import type { BillingProvider } from '../core/billing-provider.ts';
import { UsageError } from '../core/errors.ts';
import { parseFields } from '../core/usage-event.ts';
import type { AccountContext } from '../query/billed-account.ts';
import { type InvoicesPage, listInvoices } from '../query/invoice-list.ts';

/** Parameters of `usage.invoices.list`. */
export interface ListInvoicesParams {
  readonly account: string;
  /** `next` of the page before. */
  readonly after?: string | undefined;
  /** Invoices of a page: 1 to 100. Default: 10. */
  readonly limit?: number | undefined;
}

interface InvoicesContext extends AccountContext {
  /** null = Stripe is not configured. */
  readonly provider: BillingProvider | null;
}

const LIST_FIELDS = new Set(['account', 'after', 'limit']);
const DEFAULT_LIMIT = 10;
/** Of Stripe's own lists. */
const MAX_LIMIT = 100;

/** The methods behind `usage.invoices`. */
export function createInvoices(context: InvoicesContext) {
  return {
    async list(params: unknown): Promise<InvoicesPage> {
      const { account, after, limit } = parseFields(params, LIST_FIELDS);
      return await listInvoices(context, {
        account_id: parseAccountId(account),
        after: after === undefined ? null : parseCursor(after),
        limit: parseLimit(limit),
      });
    },
  };
}

function parseCursor(value: unknown): string {
  if (typeof value === 'string' && /^in_\w{1,250}$/.test(value)) return value;
  const reason = 'It is the `next` of the page before.';
  throw new UsageError('invalid_parameter', { field: 'after', value, reason });
}

function parseLimit(value: unknown = DEFAULT_LIMIT): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_LIMIT) return value;
  const reason = `It is a whole number from 1 to ${MAX_LIMIT}.`;
  throw new UsageError('invalid_parameter', { field: 'limit', value, reason });
}
