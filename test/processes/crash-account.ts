import type { CrashCallKind } from './crash-calls.ts';
import { type EventRow, sum } from './ledger-check.ts';

/** What the writers sent and what was acknowledged, over all their lives. */
export class CrashAccount {
  readonly #sent = new Map<string, Call>();
  readonly #acknowledged = new Map<string, Call>();
  /** Calls whose error said that they were not counted. */
  readonly #denied = new Set<string>();
  readonly #errors = new Map<string, number>();

  /** Takes a line of the writer; the last one may have been cut off by the kill. */
  read(line: string): void {
    const [what, kind, id, account, quantity, code = '', denies = false]: WriterLine = JSON.parse(line);
    if (what === 'sent') this.#sent.set(id, { kind, account, quantity });
    else if (what === 'acknowledged') this.#acknowledged.set(id, { kind, account, quantity });
    else this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
    if (denies) this.#denied.add(id);
  }

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  /** Code → how many calls, or tries of a call, ended with it. */
  get errors(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#errors);
  }

  /** What is wrong with what was counted, in words. */
  problemsIn(events: readonly CountedEvent[]): string[] {
    return [...this.#wrongSingles(events), ...this.#wrongTotals(events)];
  }

  /** Calls that have an event of their own. */
  #wrongSingles(events: readonly CountedEvent[]): string[] {
    const counted = Map.groupBy(events.filter(isSingle), (event) => idOf(event) ?? '');
    const problems: string[] = [];
    for (const [id, call] of this.#sent) {
      if (call.kind === 'plain') continue;
      const found = counted.get(id) ?? [];
      const quantity = sum(found.map((event) => event.quantity));
      const isLost = found.length === 0 && this.#acknowledged.has(id);
      if (found.length > 0 && !this.#acknowledged.has(id) && this.#denied.has(id)) {
        problems.push(`${call.kind} ${id} was said not to be counted, and is`);
      }
      if (isLost) problems.push(`${call.kind} ${id} was acknowledged and is lost`);
      if (found.length > 1) problems.push(`${call.kind} ${id} was counted ${found.length} times`);
      if (found.length === 1 && quantity !== call.quantity) {
        problems.push(`${call.kind} ${id} was counted as ${quantity} instead of ${call.quantity}`);
      }
      counted.delete(id);
    }
    return [...problems, ...[...counted.keys()].map((id) => `${id} was counted and never sent`)];
  }

  /** Calls that share events: at least the acknowledged, at most the sent, per account. */
  #wrongTotals(events: readonly CountedEvent[]): string[] {
    const shared = events.filter((event) => !isSingle(event));
    const counted = totals(shared.map(({ account_id, quantity }) => ({ account: account_id, quantity })));
    const sent = totals([...this.#sent.values()].filter(isPlain));
    const acknowledged = totals([...this.#acknowledged.values()].filter(isPlain));
    return [...new Set([...counted.keys(), ...sent.keys()])].flatMap((account) => {
      const figures = [acknowledged, counted, sent].map((of) => of.get(account) ?? 0);
      const [low = 0, middle = 0, high = 0] = figures;
      return low <= middle && middle <= high
        ? []
        : [`${account}: acknowledged, counted and sent plain units are ${figures.join(', ')}`];
    });
  }
}

/** What is used of an event of the ledger. */
export type CountedEvent = Pick<EventRow, 'account_id' | 'quantity' | 'idempotency_key' | 'properties'>;

type WriterLine = [
  what: 'sent' | 'acknowledged' | 'failed',
  kind: CrashCallKind,
  id: string,
  account: string,
  quantity: number,
  code?: string,
  /** Whether the error said that the call was not counted. */
  denies?: boolean,
];

interface Call {
  readonly kind: CrashCallKind;
  readonly account: string;
  readonly quantity: number;
}

function isPlain({ kind }: Call): boolean {
  return kind === 'plain';
}

function isSingle(event: CountedEvent): boolean {
  return idOf(event) !== null;
}

function idOf({ idempotency_key, properties }: CountedEvent): string | null {
  if (idempotency_key !== null) return idempotency_key;
  return properties === null ? null : String(JSON.parse(properties).id);
}

function totals(of: readonly { readonly account: string; readonly quantity: number }[]): Map<string, number> {
  const byAccount = Map.groupBy(of, ({ account }) => account);
  return new Map([...byAccount].map(([account, all]) => [account, sum(all.map(({ quantity }) => quantity))]));
}
