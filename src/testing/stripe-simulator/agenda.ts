/** What happens by itself when its time comes; at the same instant in this order. */
export const AGENDA_KINDS = [
  'delayed_request',
  'count',
  'period_end',
  'finalize',
  'error_report',
  'delivery',
] as const;

export interface AgendaEntry {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly kind: (typeof AGENDA_KINDS)[number];
  /** The record that it concerns. An entry whose record no longer expects it is ignored. */
  readonly id: string;
}

/** The simulator's future, soonest first: a binary heap. */
export class Agenda {
  readonly #heap: AgendaEntry[] = [];

  get next(): AgendaEntry | undefined {
    return this.#heap[0];
  }

  push(entry: AgendaEntry): void {
    const heap = this.#heap;
    let index = heap.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(entry, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  /** Removes the soonest entry. */
  pop(): AgendaEntry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(entry: AgendaEntry): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      if (left === undefined) break;
      const isRightSooner = right !== undefined && isBefore(right, left);
      const child = isRightSooner ? right : left;
      if (!isBefore(child, entry)) break;
      heap[index] = child;
      index = 2 * index + (isRightSooner ? 2 : 1);
    }
    heap[index] = entry;
  }
}

function isBefore(a: AgendaEntry, b: AgendaEntry): boolean {
  if (a.at !== b.at) return a.at < b.at;
  const rank = AGENDA_KINDS.indexOf(a.kind) - AGENDA_KINDS.indexOf(b.kind);
  return rank === 0 ? a.id < b.id : rank < 0;
}
