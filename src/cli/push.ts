import type { CatalogueChange } from '../core/catalogue.ts';
import { changeText, termsText } from '../core/catalogue-text.ts';
import type { Finding } from '../core/finding.ts';
import type { PushResult } from '../methods/catalogue.ts';
import { withUsage } from './app-usage.ts';
import { CommandError, oneLine } from './command-error.ts';
import { canAsk, isConfirmed } from './confirmation.ts';
import { print } from './standard-output.ts';
import { printable, wrappedLines } from './text-table.ts';

export interface PushCommandOptions {
  /** Path of the module that exports `usage`. */
  readonly config: string;
  /** The changes are confirmed without a question. */
  readonly yes?: boolean;
  /** Needed with a live key, and refused with a test key. */
  readonly live?: boolean;
  readonly json?: boolean;
}

const UNFINISHED = 1;
const WRONG_USE = 2;

/** `tallybook push`: shows what differs between the configuration and Stripe and, confirmed, changes it there. */
export async function runPush(options: PushCommandOptions): Promise<void> {
  const { config, yes = false, live = false, json = false } = options;
  await withUsage(config, async ({ catalogue }) => {
    const compared = await catalogue.compare();
    const { mode, changes, findings } = compared;
    if (live && mode === 'test') throw testKey();
    if (!json) await print(`${[...diffLines(mode, changes), ...findingLines(findings)].join('\n')}\n`);
    if (findings.length > 0) process.exitCode = UNFINISHED;
    const isConfirmable = changes.length > 0 && (mode === 'test' || live);
    const question = `Make ${countText(changes.length)} at Stripe, ${mode} mode? [y/N] `;
    if (isConfirmable && (yes || (!json && canAsk() && (await isConfirmed(question))))) {
      return await report(await catalogue.push({ changes, live }), json);
    }
    if (json) await print(`${JSON.stringify(compared)}\n`);
    if (changes.length === 0) return;
    process.exitCode = UNFINISHED;
    process.stderr.write(`tallybook: Nothing was changed. ${howTo(mode, live)}\n`);
  });
}

function howTo(mode: string, live: boolean): string {
  if (mode === 'live' && !live) return 'The key is a live one: pass --live, and confirm.';
  return 'Pass --yes to confirm the changes without a question.';
}

function testKey(): CommandError {
  return new CommandError('The key is a test key.', 'Leave --live out, or use the live key.', {
    code: WRONG_USE,
  });
}

async function report(result: PushResult, json: boolean): Promise<void> {
  const { done, left, failure } = result;
  if (json) await print(`${JSON.stringify(result)}\n`);
  else await print(`\nMade ${countText(done.length)}.\n`);
  if (left.length === 0) return;
  process.exitCode = UNFINISHED;
  const first = left[0] ? changeText(left[0]) : '';
  process.stderr.write(
    `tallybook: ${oneLine(`${countText(left.length)} left, the first is ${first}. ${failure ?? ''}`)} Push again: what is done is not repeated.\n`,
  );
}

function countText(count: number): string {
  return `${count} change${count === 1 ? '' : 's'}`;
}

function diffLines(mode: string, changes: readonly CatalogueChange[]): string[] {
  if (changes.length === 0) return [`Stripe, ${mode} mode, has what is configured.`];
  return [`Stripe, ${mode} mode:`, '', ...changes.flatMap(changeLines)];
}

/** `+` comes, `-` goes, `~` changes. */
function changeLines(change: CatalogueChange): string[] {
  if (change.change === 'create_price' && change.replaces) {
    const { price, replaces } = change;
    return [
      `  ~ price ${printable(price.lookup_key)}: a new price, subscribers of the old one stay on it`,
      `      - ${printable(termsText(replaces.terms))} (${replaces.stripe_price})`,
      `      + ${printable(termsText(price))}`,
    ];
  }
  const sign = SIGNS[change.change] ?? '+';
  return [`  ${sign} ${printable(changeText(change))}`];
}

const SIGNS: Readonly<Partial<Record<CatalogueChange['change'], string>>> = {
  rename_product: '~',
  deactivate_price: '-',
};

function findingLines(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ where, what, remedy }) => [
    '',
    ...wrappedLines(`! ${where}: ${what} ${remedy ?? ''}`.trim(), '  '),
  ]);
}
