#!/usr/bin/env node
import { refusalOfNode } from './node-version.ts';

// Imports are loaded before any code: on an older Node those of the commands would end in a stack.
const refusal = refusalOfNode(process.version);
if (refusal === null) {
  const { runProgram } = await import('./program.ts');
  await runProgram(process.argv.slice(2));
} else {
  process.stderr.write(`${refusal}\n`);
  process.exitCode = 1;
}
