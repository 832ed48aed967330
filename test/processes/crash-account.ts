import type { CrashCallKind } from './crash-calls.ts';
import { checkLedger, type EventRow, sum } from './ledger-check.ts';

/** What the writers sent and what was acknowledged, over all their lives. */
export class CrashAccount {
  readonly #sent = new Map<string, Call>();
  readonly #acknowledged = new Map<string, Call>();

  /** Takes a line of the writer; the last one may have been cut off by the kill. */
  read(line: string): void {
    const [what, kind, id, account, quantity]: WriterLine = JSON.parse(line);
    (what === 'sent' ? this.#sent : this.#acknowledged).set(id, { kind, account, quantity });
  }

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  /** What is wrong in the database, in words. */
  problemsIn(path: string): string[] {
    const { events, problems } = checkLedger(path);
    return [...problems, ...this.#wrongSingles(events), ...this.#wrongTotals(events)];
  }

  /** Calls that have an event of their own. */
  #wrongSingles(events: readonly EventRow[]): string[] {
    const counted = Map.groupBy(events.filter(isSingle), (event) => idOf(event) ?? '');
    const problems: string[] = [];
    for (const [id, call] of this.#sent) {
      if (call.kind === 'plain') continue;
      const found = counted.get(id) ?? [];
      const quantity = sum(found.map((event) => event.quantity));
      const isLost = found.length === 0 && this.#acknowledged.has(id);
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
  #wrongTotals(events: readonly EventRow[]): string[] {
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

type WriterLine = ['sent' | 'acknowledged', CrashCallKind, string, string, number];

interface Call {
  readonly kind: CrashCallKind;
  readonly account: string;
  readonly quantity: number;
}

function isPlain({ kind }: Call): boolean {
  return kind === 'plain';
}

function isSingle(event: EventRow): boolean {
  return idOf(event) !== null;
}

function idOf({ idempotency_key, properties }: EventRow): string | null {
  if (idempotency_key !== null) return idempotency_key;
  return properties === null ? null : String(JSON.parse(properties).id);
}

function totals(of: readonly { readonly account: string; readonly quantity: number }[]): Map<string, number> {
  const byAccount = Map.groupBy(of, ({ account }) => account);
  return new Map([...byAccount].map(([account, all]) => [account, sum(all.map(({ quantity }) => quantity))]));
}
