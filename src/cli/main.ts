#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../core/errors.ts';
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
const MAX_PORT = 65_535;
const CONFIG = ['-c, --config <path>', 'module that exports `usage`', 'tallybook.config.ts'] as const;
const REPORT_METER = ['-m, --meter <name>', "meter of the report (default: the app's default)"] as const;
const REASON = ['-r, --reason <text>', 'why; kept for good'] as const;
const ACTOR = ['--actor <name>', 'who decides it (default: your user name)'] as const;

const COMMANDS = new Set([
  'dev',
  'worker',
  'push',
  'pull',
  'doctor',
  'reconcile',
  'explain',
  'reports',
  'retry',
  'resolve',
  'bill',
  'serve',
  'keys',
]);

function createProgram(): Command {
  const program = new Command('tallybook')
    .description('Usage billing for TypeScript apps on Stripe.')
    .version(packageVersion(), '-V, --version')
    .exitOverride()
    .configureOutput({ writeErr: () => {} }); // errors leave by one door, below

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
    .option('-s, --status <names>', 'such as held,failed', (text) => text.split(','))
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
    .requiredOption('--period-start <instant>', 'of the billing period, as `tallybook reconcile` shows it')
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
    .option('-p, --port <number>', 'port; 0 takes any free one', parsePort, 4243)
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
        .argParser((name: string, names: readonly string[] = []) => [...names, name])
        .makeOptionMandatory(),
    )
    .option(...CONFIG)
    .option('-n, --name <text>', 'what it is for')
    .option('-a, --account <id>', 'the one account that it is good for (default: every account)')
    .option('--expires-at <date>', 'from when on it is no longer good (default: it stays)')
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

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 0 && port <= MAX_PORT) return port;
  throw new InvalidArgumentError(`A port is a number from 0 to ${MAX_PORT}.`);
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a whole number from 1.');
}

function parseSeconds(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a whole number of seconds.');
}

function parseReport(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is the number of a report.');
}

function parseAmount(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a whole number of minor units, such as cents, from 1.');
}

function parseSubject(text: string): string {
  if (/^([1-9]\d{0,14}|in_\w+)$/.test(text)) return text;
  throw new InvalidArgumentError('It is the number of a report, or the id of an invoice: in_….');
}

function collect(file: string, files: readonly string[]): readonly string[] {
  return [...files, file];
}

/** Runs a command line. @returns the exit code. */
async function run(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return explainUse(error, argv);
    const hint =
      error instanceof CommandError || error instanceof UsageError ? '' : ' (not expected: please report it)';
    process.stderr.write(`tallybook: ${oneLine(error)}${hint}\n`);
    return error instanceof CommandError ? error.code : FAILED;
  }
}

function explainUse(error: CommanderError, argv: readonly string[]): number {
  if (error.exitCode === 0) return 0;
  if (error.code === 'commander.help') {
    process.stderr.write('tallybook: No command was given. Try `tallybook dev`, or `tallybook --help`.\n');
    return WRONG_USE;
  }
  const command = argv.find((word) => COMMANDS.has(word));
  const help = command ? `tallybook ${command} --help` : 'tallybook --help';
  const cause = asSentence(oneLine(error).replace(/^error: /, ''));
  process.stderr.write(`tallybook: ${cause} See \`${help}\`.\n`);
  return WRONG_USE;
}

// Whoever reads our output may leave first (`| head`); that is no failure.
process.stdout.on('error', () => {});
process.exit(await run(process.argv.slice(2)));
