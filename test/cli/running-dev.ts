import { setTimeout as sleep } from 'node:timers/promises';
import type { AccountsView } from '../../src/cli/dev/account-pages.ts';
import type { ImportState } from '../../src/cli/dev/import/usage-import.ts';
import type { InvoiceView } from '../../src/cli/dev/invoices.ts';
import { type CommandOptions, exitCode, outputOf, startCommand } from './command.ts';

export interface RunningDevOptions extends CommandOptions {
  readonly directory: string;
  readonly args?: readonly string[];
}

export interface DevState extends AccountsView {
  readonly clock: { readonly now: string; readonly moving: { readonly to: string } | null };
  readonly stripe_url: string;
  readonly imports: readonly ImportState[];
}

const POLL_MS = 20;

/** `tallybook dev` as a process, and its API over HTTP. */
export async function startDev({ directory, args = [], ...options }: RunningDevOptions) {
  const command = startCommand(['dev', '--port', '0', '--directory', directory, ...args], options);
  const output = outputOf(command);
  const url = (await output.waitFor(/(?<=Page +)http:\S+/)).trim();

  async function call(path: string, init?: RequestInit) {
    const response = await fetch(`${url}${path}`, init);
    const body: unknown = await response.json();
    return { status: response.status, body };
  }
  const send = (method: 'POST' | 'PUT', path: string, body: unknown) =>
    call(path, {
      method,
      headers: { 'Content-Type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const post = (path: string, body: unknown) => send('POST', path, body);
  const state = async (): Promise<DevState> => (await call('/api/state')).body as DevState;

  return {
    url,
    output,
    call,
    post,
    state,
    async invoices(account: string): Promise<InvoiceView[]> {
      const { invoices } = (await call('/api/invoices')).body as { invoices: InvoiceView[] };
      return invoices.filter((invoice) => invoice.account === account);
    },
    /** The quantity in the current billing period. */
    async quantityOf(account: string, meter: string): Promise<number> {
      const { accounts } = await state();
      const periods = accounts.find((view) => view.account === account)?.periods ?? [];
      return periods.find((period) => period.is_current && period.meter === meter)?.quantity ?? 0;
    },
    /** As the customer's page does when it is confirmed there. */
    changePlan: (account: string, plan: string) => send('PUT', `/accounts/${account}/plan`, { plan }),
    importCsv: (csv: string) =>
      call('/api/imports?name=test.csv', {
        method: 'POST',
        headers: { 'Content-Type': 'text/csv' },
        body: csv,
      }),
    /** Moves the clock and waits until it has arrived. */
    async moveClock(to: 'hour' | 'day' | 'period_end'): Promise<void> {
      const { status } = await post('/api/clock', { to });
      if (status !== 202) throw new Error(`The clock cannot be moved: ${status}.`);
      while ((await state()).clock.moving !== null) await sleep(POLL_MS);
    },
    /** Ctrl-C. @returns the exit code. */
    async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
      command.kill(signal);
      return await exitCode(command);
    },
  };
}
