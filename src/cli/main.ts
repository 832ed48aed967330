#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { UsageError } from '../core/errors.ts';
import { asSentence, CommandError, oneLine } from './command-error.ts';
import { runDev } from './dev/dev-command.ts';
import { runWorker } from './worker.ts';

const FAILED = 1;
const WRONG_USE = 2;
const MAX_PORT = 65_535;

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
    .option('-c, --config <path>', 'module that exports `usage`', 'tallybook.config.ts')
    .action(runWorker);
  return program;
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

function collect(file: string, files: readonly string[]): readonly string[] {
  return [...files, file];
}

/** Runs a command line. @returns the exit code. */
async function run(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return explainUse(error, argv);
    const hint =
      error instanceof CommandError || error instanceof UsageError ? '' : ' (not expected: please report it)';
    process.stderr.write(`tallybook: ${oneLine(error)}${hint}\n`);
    return FAILED;
  }
}

function explainUse(error: CommanderError, argv: readonly string[]): number {
  if (error.exitCode === 0) return 0;
  if (error.code === 'commander.help') {
    process.stderr.write('tallybook: No command was given. Try `tallybook dev`, or `tallybook --help`.\n');
    return WRONG_USE;
  }
  const command = argv.find((word) => word === 'dev' || word === 'worker');
  const help = command ? `tallybook ${command} --help` : 'tallybook --help';
  const cause = asSentence(oneLine(error).replace(/^error: /, ''));
  process.stderr.write(`tallybook: ${cause} See \`${help}\`.\n`);
  return WRONG_USE;
}

// Whoever reads our output may leave first (`| head`); that is no failure.
process.stdout.on('error', () => {});
process.exit(await run(process.argv.slice(2)));
