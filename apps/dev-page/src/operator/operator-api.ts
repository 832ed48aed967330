import type { AccountsView } from '../../../../src/cli/dev/account-pages.ts';
import type { ImportState } from '../../../../src/cli/dev/import/usage-import.ts';
import type { InvoiceView } from '../../../../src/cli/dev/invoices.ts';
import { call, type DevState, type Increment, send } from '../dev-api.ts';

/** All that `/api/state` says. */
export interface OperatorState extends DevState, AccountsView {
  readonly accounts: AccountsView['accounts'];
  readonly imports: readonly ImportState[];
}

/** @param after the account before the first that is shown; null = from the first on. */
export function readOperatorState(after: string | null, signal: AbortSignal): Promise<OperatorState> {
  const query = after === null ? '' : `?after=${encodeURIComponent(after)}`;
  return call(`/api/state${query}`, { signal });
}

export async function readInvoices(signal: AbortSignal): Promise<readonly InvoiceView[]> {
  const { invoices } = await call<{ readonly invoices: readonly InvoiceView[] }>('/api/invoices', { signal });
  return invoices;
}

export interface KeyedIncrement extends Increment {
  readonly idempotency_key?: string;
}

export interface Counted {
  readonly recorded: boolean;
  readonly duplicate: boolean;
}

export const countUsage = (increment: KeyedIncrement) => send<Counted>('POST', '/v1/usage', increment);

export const importFile = (file: File) =>
  call<ImportState>(`/api/imports?name=${encodeURIComponent(file.name)}`, {
    method: 'POST',
    headers: { 'Content-Type': 'text/csv' },
    body: file,
  });
