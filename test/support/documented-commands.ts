import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../cli/command.ts';

/** A command of a document and what the document says it prints. */
export interface DocumentedCommand {
  readonly args: readonly string[];
  readonly output: string;
}

/** The programs in the `ts` blocks of a document. */
export function programsOf(document: string): string[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, program = '']) => program);
}

/** The commands in the `console` blocks of a document: `$ tallybook …`, and below it what it prints. */
export function documentedCommands(document: string): DocumentedCommand[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const blocks = [...text.matchAll(/^```console\n(.*?)^```$/gms)].map(([, block = '']) => block);
  return blocks.map((block) => {
    const [command = '', ...output] = block.split('\n');
    const match = /^\$ tallybook (.+)$/.exec(command);
    if (!match) throw new Error(`This is no command: ${command}`);
    const words = (match[1] ?? '').match(/"[^"]*"|\S+/g) ?? [];
    return { args: words.map((word) => word.replaceAll('"', '')), output: output.join('\n') };
  });
}
