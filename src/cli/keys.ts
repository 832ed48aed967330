import type { Scope } from '../core/access.ts';
import type { KeyResult, NewKeyResult } from '../http/access/api-keys.ts';
import { withUsage } from './app-usage.ts';
import { userName } from './decide.ts';
import { print } from './standard-output.ts';
import { tableLines } from './text-table.ts';

export interface KeysCommandOptions {
  /** Path of the module that exports `usage`. */
  readonly config: string;
  /** Default: the operating system's name of the user. */
  readonly actor?: string;
  readonly json?: boolean;
}

export interface CreateKeyOptions extends KeysCommandOptions {
  readonly scope: readonly Scope[];
  readonly name?: string;
  readonly account?: string;
  readonly expiresAt?: string;
}

export interface ListOptions extends KeysCommandOptions {
  readonly after?: string;
  readonly limit: number;
}

/** `tallybook keys create`. */
export async function runCreateKey(options: CreateKeyOptions): Promise<void> {
  await withUsage(options.config, async (usage) => {
    const { scope: scopes, name, account, expiresAt: expires_at, actor = userName() } = options;
    await showNew(await usage.keys.create({ scopes, name, account, expires_at, actor }), options);
  });
}

/** `tallybook keys rotate`. */
export async function runRotateKey(
  key: string,
  options: KeysCommandOptions & { readonly overlap?: number },
): Promise<void> {
  await withUsage(options.config, async (usage) => {
    const { overlap: overlap_s, actor = userName() } = options;
    await showNew(await usage.keys.rotate({ key, overlap_s, actor }), options);
  });
}

/** `tallybook keys revoke`. */
export async function runRevokeKey(key: string, options: KeysCommandOptions): Promise<void> {
  await withUsage(options.config, async (usage) => {
    const { actor = userName() } = options;
    const revoked = await usage.keys.revoke({ key, ...(actor === undefined ? {} : { actor }) });
    if (options.json) return await print(`${JSON.stringify(revoked)}\n`);
    await print(`${revoked.key} is revoked: no process takes it a second from now.\n`);
  });
}

const KEY_COLUMNS = ['key', 'name', 'scopes', 'account', 'status', 'expires', 'last used'].map((title) => ({
  title,
}));
const ACTION_COLUMNS = ['at', 'action', 'subject', 'actor'].map((title) => ({ title }));

/** `tallybook keys list`: also those that have ended. */
export async function runListKeys(options: ListOptions): Promise<void> {
  await withUsage(options.config, async (usage) => {
    const page = await usage.keys.list(pageOf(options));
    if (options.json) return await print(`${JSON.stringify(page)}\n`);
    const lines = tableLines(KEY_COLUMNS, page.keys.map(cellsOf));
    await print(page.keys.length === 0 ? 'There are no keys.\n' : textOf(lines, page.next));
  });
}

/** `tallybook keys history`: what was done about keys and tokens, the newest first. */
export async function runKeyHistory(options: ListOptions): Promise<void> {
  await withUsage(options.config, async (usage) => {
    const page = await usage.keys.history(pageOf(options));
    if (options.json) return await print(`${JSON.stringify(page)}\n`);
    const cells = page.actions.map(({ at, action, subject, actor }) => [at, action, subject, actor]);
    await print(textOf(tableLines(ACTION_COLUMNS, cells), page.next));
  });
}

/** The one place where a key is shown: it cannot be read again, and is not taken for a secret that slipped out. */
async function showNew(key: NewKeyResult, { json = false }: KeysCommandOptions): Promise<void> {
  const until = key.expires_at === null ? 'until it is revoked' : `until ${key.expires_at}`;
  const text = `${key.secret}\n\nThis is the key, shown this once. It is good for ${key.scopes.join(' and ')}, ${until}. Its id is ${key.key}.\n`;
  await new Promise<void>((resolve) => {
    process.stdout.write(json ? `${JSON.stringify(key)}\n` : text, () => resolve());
  });
}

function cellsOf(key: KeyResult): string[] {
  return [
    key.key,
    key.name ?? '',
    key.scopes.join(', '),
    key.account ?? 'every account',
    key.status,
    key.expires_at ?? 'never',
    key.last_used_at ?? 'never',
  ];
}

function pageOf({ after, limit }: ListOptions) {
  return { limit, ...(after === undefined ? {} : { after }) };
}

function textOf(lines: readonly string[], next: string | null): string {
  const more = next === null ? [] : ['', `There are more: --after ${next}`];
  return `${[...lines, ...more].join('\n')}\n`;
}
