import { withoutSecrets } from './command-error.ts';

/**
 * Writes text, which may quote what others wrote, without what looks like a key or a password. Resolves when it has left
 * the process: what is on its way at the exit would be lost.
 */
export function print(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(withoutSecrets(text), () => resolve());
  });
}
