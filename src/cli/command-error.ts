import { UsageError } from '../core/errors.ts';

/** What stops a command: one sentence with the cause and one with the remedy. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** Exit code of the process. */
  readonly code: number;
  /** Whether the remedy is in the command's own help. */
  readonly isInHelp: boolean;

  constructor(
    cause: string,
    remedy: string,
    { code = 1, isInHelp = false, ...options }: ErrorOptions & { code?: number; isInHelp?: boolean } = {},
  ) {
    super(`${cause} ${remedy}`.trim(), options);
    this.code = code;
    this.isInHelp = isInHelp;
  }
}

const SECRETS =
  /\b(?:(?:sk|rk)_(?:test|live)_\w+|whsec_\w+|tbk_[0-9A-Za-z]{17,})|(?<=:\/\/[^\s:/@]*:)[^\s@]+(?=@)/g;
/** A line longer than this hides its remedy. */
const MAX_LINE_LENGTH = 500;

/** An error as one line for a terminal: no stack, and nothing that looks like a key or a password. */
export function oneLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const cause =
    error instanceof UsageError && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  const text = withoutSecrets(`${message}${cause}`).replaceAll(/\s+/g, ' ').trim();
  return text.length > MAX_LINE_LENGTH ? `${text.slice(0, MAX_LINE_LENGTH)}…` : text;
}

/** A text without what looks like a key or a password. */
export function withoutSecrets(text: string): string {
  return text.replaceAll(SECRETS, '[secret]');
}

/** A text that another library wrote, as a sentence. */
export function asSentence(text: string): string {
  return /[.!?)]$/.test(text) ? text : `${text}.`;
}

/** The code of an error of the operating system, such as `ENOENT`; null = it is none. */
export function systemCode(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return null;
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : null;
}
