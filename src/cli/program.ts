import { readFileSync } from 'node:fs';
import { Command, CommanderError, Help, Option } from 'commander';
import { UsageError } from '../core/errors.ts';
import {
  collect,
  parseAmount,
  parseCount,
  parseDate,
  parsePeriod,
  parsePort,
  parseReport,
  parseScope,
  parseSeconds,
  parseStatuses,
  parseSubject,
} from './argument-parsers.ts';
import { runBill } from './bill.ts';
import { asSentence, CommandError, oneLine } from './command-error.ts';
import { runResolve, runRetry } from './decide.ts';
import { runDev } from './dev/dev-command.ts';
import { runDoctor } from './doctor.ts';
import { runExplain } from './explain.ts';
import { runCreateKey, runKeyHistory, runListKeys, runRevokeKey, runRotateKey } from './keys.ts';
import { runPull } from './pull.ts';
import { runPush } from './push.ts';
import { runReconcile } from './reconcile.ts';
import { runReports } from './reports.ts';
import { runServe } from './serve.ts';
import { runWorker } from './worker.ts';

const FAILED = 1;
const WRONG_USE = 2;
const CONFIG = ['-c, --config <path>', 'module that exports `usage`', 'tallybook.config.ts'] as const;
const REPORT_METER = ['-m, --meter <name>', "meter of the report (default: the app's default)"] as const;
const REASON = ['-r, --reason <text>', 'why; kept for good'] as const;
const ACTOR = ['--actor <name>', 'who decides it (default: your user name)'] as const;

/** Runs a command line, and ends the process with its exit code. */
export async function runProgram(argv: readonly string[]): Promise<never> {
  // Whoever reads our output may leave first (`| head`); that is no failure.
  process.stdout.on('error', () => {});
  process.exit(await run(argv));
}

function createProgram(): Command {
  const program = new Command('tallybook')
    .description('Usage billing for TypeScript apps on Stripe.')
    .version(packageVersion(), '-V, --version')
    .exitOverride()
    .configureOutput({ writeErr: () => {} }) // errors leave by one door, below
    .configureHelp({ optionDescription: descriptionOf });

  program
    .command('dev')
    .description(
      'the embedded database, a simulated Stripe, the worker and a page on localhost, to try things out',
    )
    .option('-p, --port <number>', 'port of the page; 0 takes any free one', parsePort, 4242)
    .option('--stripe-port <number>', 'port of the simulated Stripe (default: the next one)', parsePort)
    .option('-d, --directory <path>', 'where the data is kept', '.tallybook')
    .option(
      '-i, --import <file>',
      'counts a CSV file of usage, - for standard input; repeatable',
      collect,
      [],
    )
    .action(runDev);
  program
    .command('worker')
    .description("runs the report job of the app's `usage`")
    .option(...CONFIG)
    .action(runWorker);
  program
    .command('push')
    .description(
      'shows what differs between the configured meters and plans and Stripe, and changes it there',
    )
    .option(...CONFIG)
    .option('-y, --yes', 'confirms the changes, where nobody can be asked')
    .option('--live', 'needed with a live key')
    .option('--json', 'JSON')
    .action(runPush);
  program
    .command('pull')
    .description('writes a configuration from what a Stripe account sells; its key is STRIPE_SECRET_KEY')
    .option('-o, --out <file>', 'file to write (default: standard output)')
    .option('--force', 'replaces an existing file')
    .option('--api-base <url>', "address of Stripe's API, for a stand-in")
    .action(runPull);
  program
    .command('doctor')
    .description('looks for what would lose money: keys, settings, prices, subscriptions, webhooks')
    .option(...CONFIG)
    .option('--json', 'JSON')
    .action(runDoctor);
  program
    .command('reconcile')
    .description(
      'compares what was counted here with what Stripe counted and invoiced, and says why they differ',
    )
    .option(...CONFIG)
    .option('-a, --account <id>', 'of one account (default: all)')
    .option(
      '-p, --period <period>',
      'billing periods that overlap a month, 2026-10, or a range, START..END (default: the current and the last)',
      parsePeriod,
    )
    .option('--all', 'shows also what does not differ')
    .option('--json', 'one JSON document')
    .action(runReconcile);
  program
    .command('explain')
    .description('takes a report, by its number, or an invoice, by its id, apart down to the ledger')
    .argument('<account>', 'id of the account')
    .argument('<report-or-invoice>', 'number of a report, or in_… of an invoice', parseSubject)
    .option(...CONFIG)
    .option(...REPORT_METER)
    .option('--after <position>', 'entries after this position')
    .option('--limit <number>', 'entries that are shown, up to 1,000 (default: 100)', parseCount)
    .option('--json', 'JSON')
    .action(runExplain);
  program
    .command('reports')
    .description(
      'lists reports that are not at Stripe yet, what waits for a person first, and what can be done',
    )
    .option(...CONFIG)
    .option('-a, --account <id>', 'of one account (default: all)')
    .option('-s, --status <names>', 'such as held,failed', parseStatuses)
    .option('--after <position>', 'reports after this position')
    .option('--limit <number>', 'reports that are shown, up to 1,000', parseCount, 100)
    .option('--json', 'JSON')
    .action(runReports);
  program
    .command('retry')
    .description('tries a report again that has failed, under a new identifier, or that is held, as it is')
    .argument('<account>', 'id of the account')
    .argument('<report>', 'number of the report', parseReport)
    .option(...CONFIG)
    .option(...REPORT_METER)
    .requiredOption(...REASON)
    .option(...ACTOR)
    .action(runRetry);
  program
    .command('resolve')
    .description('decides what becomes of a report that is held or has failed')
    .argument('<account>', 'id of the account')
    .argument('<report>', 'number of the report', parseReport)
    .addOption(
      new Option('--as <decision>', 'Stripe has it, it is never sent, or it is sent (again)')
        .choices(['counted', 'written_off', 'send'])
        .makeOptionMandatory(),
    )
    .option(...CONFIG)
    .option(...REPORT_METER)
    .requiredOption(...REASON)
    .option(...ACTOR)
    .action(runResolve);
  program
    .command('bill')
    .description('adds an invoice item for usage that a change made at Stripe left off the invoice')
    .argument('<account>', 'id of the account')
    .requiredOption(
      '--period-start <instant>',
      'of the billing period, as `tallybook reconcile` shows it',
      parseDate,
    )
    .requiredOption(
      '--amount <number>',
      'in minor units, as shown there: another amount is refused',
      parseAmount,
    )
    .option(...CONFIG)
    .option(...REPORT_METER)
    .requiredOption(...REASON)
    .option(...ACTOR)
    .action(runBill);
  program
    .command('serve')
    .description("serves the HTTP API of the app's `usage`, and runs its report job")
    .option(...CONFIG)
    .option('-p, --port <number>', 'port; 0 takes any free one', parsePort, 4244)
    .option('--host <address>', 'address that is listened on', '127.0.0.1')
    .option('--no-worker', 'does not run the report job')
    .action(runServe);
  addKeysCommand(program);
  return program;
}

function addKeysCommand(program: Command): void {
  const keys = program.command('keys').description('keys of the HTTP API');
  keys
    .command('create')
    .description('creates a key, and shows it this once')
    .addOption(
      new Option('-s, --scope <name>', 'what it is good for: read, write or admin; read and write together')
        .argParser(parseScope)
        .makeOptionMandatory(),
    )
    .option(...CONFIG)
    .option('-n, --name <text>', 'what it is for')
    .option('-a, --account <id>', 'the one account that it is good for (default: every account)')
    .option(
      '--expires-at <date>',
      'from when on it is no longer good: 2026-10-10 (UTC midnight), or an instant with its zone (default: it stays)',
      parseDate,
    )
    .option(...ACTOR)
    .option('--json', 'JSON')
    .action(runCreateKey);
  keys
    .command('list')
    .description('lists keys, also those that have ended')
    .option(...CONFIG)
    .option('--after <key>', 'keys after this one')
    .option('--limit <number>', 'keys that are shown, up to 1,000', parseCount, 100)
    .option('--json', 'JSON')
    .action(runListKeys);
  keys
    .command('rotate')
    .description('creates a key in the place of another, which stays good for a while')
    .argument('<key>', 'id of the key: its first 20 characters')
    .option(...CONFIG)
    .option('--overlap <seconds>', 'how long the old one stays good (default: a day)', parseSeconds)
    .option(...ACTOR)
    .option('--json', 'JSON')
    .action(runRotateKey);
  keys
    .command('revoke')
    .description('ends a key, everywhere within a second')
    .argument('<key>', 'id of the key: its first 20 characters')
    .option(...CONFIG)
    .option(...ACTOR)
    .option('--json', 'JSON')
    .action(runRevokeKey);
  keys
    .command('history')
    .description('lists what was done about keys and tokens, and by whom')
    .option(...CONFIG)
    .option('--after <position>', 'what was done before this')
    .option('--limit <number>', 'actions that are shown, up to 1,000', parseCount, 100)
    .option('--json', 'JSON')
    .action(runKeyHistory);
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version }: { readonly version: string } = JSON.parse(text);
  return version;
}

/** What an option is for, and whether the command needs it. */
function descriptionOf(option: Option): string {
  const description = new Help().optionDescription(option);
  return option.mandatory ? `${description} (required)` : description;
}

/** Runs a command line. @returns the exit code. */
async function run(argv: readonly string[]): Promise<number> {
  const program = createProgram();
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    const command = namedCommand(program, argv);
    if (error instanceof CommanderError) return explainUse(error, command);
    process.stderr.write(`tallybook: ${oneLine(error)}${hintOf(error, command)}\n`);
    return error instanceof CommandError ? error.code : FAILED;
  }
}

function hintOf(error: unknown, command: Command): string {
  if (error instanceof CommandError) return error.isInHelp ? ` ${helpOf(command)}` : '';
  return error instanceof UsageError ? '' : ' (not expected: please report it)';
}

function explainUse(error: CommanderError, command: Command): number {
  if (error.exitCode === 0) return 0;
  if (error.code === 'commander.help') {
    const hint = command.parent === null ? 'Try `tallybook dev`, or `tallybook --help`.' : helpOf(command);
    process.stderr.write(`tallybook: No command was given. ${hint}\n`);
    return WRONG_USE;
  }
  const cause = asSentence(oneLine(error).replace(/^error: /, ''));
  process.stderr.write(`tallybook: ${cause} ${helpOf(command)}\n`);
  return WRONG_USE;
}

/** The command that a command line names, as far as it does. */
function namedCommand(program: Command, argv: readonly string[]): Command {
  return argv.reduce(
    (command, word) => command.commands.find((each) => each.name() === word) ?? command,
    program,
  );
}

function helpOf(command: Command): string {
  return `See \`${wordsOf(command)} --help\`.`;
}

/** `tallybook keys create` */
function wordsOf(command: Command): string {
  return command.parent === null ? command.name() : `${wordsOf(command.parent)} ${command.name()}`;
}
