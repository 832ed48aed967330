import { createInterface } from 'node:readline/promises';

/** Where a question is asked: a terminal. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** Whether somebody is there to answer. */
export function canAsk({ stdin, stdout }: Terminal = process): boolean {
  return stdin.isTTY === true && stdout.isTTY === true;
}

/** Asks once; anything but yes, the end of the input too, is a no. */
export async function isConfirmed(question: string, { stdin, stdout }: Terminal = process): Promise<boolean> {
  const lines = createInterface({ input: stdin, output: stdout });
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  const answer = await Promise.race([lines.question(question), ended]);
  lines.close();
  return /^\s*y(es)?\s*$/i.test(answer);
}
