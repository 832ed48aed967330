import { withUsage } from './app-usage.ts';
import { print } from './standard-output.ts';
import { tableLines, wrappedLines } from './text-table.ts';

export interface DoctorCommandOptions {
  /** Path of the module that exports `usage`. */
  readonly config: string;
  readonly json?: boolean;
}

const ERRORS = 1;

/** `tallybook doctor`: looks for what would lose money. The exit code is 1 on an error. */
export async function runDoctor({ config, json }: DoctorCommandOptions): Promise<void> {
  await withUsage(config, async (usage) => {
    const result = await usage.doctor();
    const { findings, errors, warnings } = result;
    if (errors > 0) process.exitCode = ERRORS;
    if (json) return await print(`${JSON.stringify(result)}\n`);
    const heads = tableLines(
      [{ title: 'severity' }, { title: 'check' }, { title: 'where' }],
      findings.map(({ severity, check, where }) => [severity, check, where]),
    );
    const [titles = '', ...rows] = heads;
    const lines = rows.flatMap((row, index) => {
      const { what, remedy } = findings[index] ?? { what: '', remedy: null };
      return [
        row,
        ...wrappedLines(what, '  '),
        ...(remedy === null ? [] : wrappedLines(`→ ${remedy}`, '  ')),
      ];
    });
    const summary = `${errors} error${errors === 1 ? '' : 's'}, ${warnings} warning${warnings === 1 ? '' : 's'}.`;
    await print(`${[titles, ...lines, '', summary].join('\n')}\n`);
  });
}
