import { createHash } from 'node:crypto';

/** What happened in a schedule, line by line. Two runs of one seed are the same run when their hashes are equal. */
export class Trace {
  readonly lines: string[] = [];
  readonly #isKept: boolean;
  readonly #now: () => number;

  /** @param isKept false: nothing is written down, which is most of the time. */
  constructor(isKept: boolean, now: () => number) {
    this.#isKept = isKept;
    this.#now = now;
  }

  add(line: () => string): void {
    if (this.#isKept) this.lines.push(`${new Date(this.#now()).toISOString()} ${line()}`);
  }

  /** One port call of a process, with what came of it. */
  call(process: string, label: string, params: unknown, outcome: unknown): void {
    this.add(() => `  ${process} ${label} ${briefly(params)} → ${briefly(outcome)}`);
  }

  hash(): string {
    return createHash('sha256').update(this.lines.join('\n')).digest('hex').slice(0, 16);
  }
}

const MAX_LENGTH = 600;

function briefly(value: unknown): string {
  const text = value instanceof Error ? `${value.name}: ${value.message}` : JSON.stringify(value, readable);
  return (text ?? String(value)).slice(0, MAX_LENGTH);
}

function readable(_key: string, value: unknown): unknown {
  if (value instanceof Map) return [...value];
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return typeof value === 'bigint' ? String(value) : value;
}
