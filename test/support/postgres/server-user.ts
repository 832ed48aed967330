import { accessSync, constants, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';

/** Who PostgreSQL runs as. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * PostgreSQL refuses to run as root, and initdb wants a user that the system knows. So root takes one that is there,
 * rather `nobody` than one that may own a real database. Null = the current user will do.
 */
export function serverUser(): ServerUser | null {
  if (process.getuid?.() !== 0) return null;
  const user = chooseUser(readFileSync('/etc/passwd', 'utf8'));
  if (user === undefined)
    throw new Error('PostgreSQL cannot run as root, and /etc/passwd has no other user.');
  return user;
}

export function chooseUser(passwd: string): ServerUser | undefined {
  const users = passwd.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    return Number(uid) > 0 && Number(gid) > 0 ? { name, uid: Number(uid), gid: Number(gid) } : [];
  });
  const user = users.find(({ name }) => name === 'nobody') ?? users[0];
  return user && { uid: user.uid, gid: user.gid };
}

/** Whether the user may read a file, or enter and list a folder, which needs the way there to be open as well. */
export function canReach(path: string, user: ServerUser | null): boolean {
  let current: string;
  try {
    current = realpathSync(path);
    if (user === null) {
      accessSync(current, constants.R_OK);
      return true;
    }
    if (!permits(statSync(current), user, constants.R_OK)) return false;
    if (!statSync(current).isDirectory()) current = dirname(current);
  } catch {
    return false;
  }
  for (; ; current = dirname(current)) {
    if (!permits(statSync(current), user, constants.X_OK)) return false;
    if (current === dirname(current)) return true;
  }
}

/** A folder for temporary files that the user can reach, which a private TMPDIR is not. */
export function reachableTemporaryFolder(user: ServerUser | null): string {
  const candidates = [tmpdir(), '/tmp', '/var/tmp'];
  const folder = candidates.find((each) => canReach(each, user));
  if (folder === undefined) throw new Error(`Another user can reach none of ${candidates.join(', ')}.`);
  return folder;
}

function permits(stats: Stats, user: ServerUser, permission: number): boolean {
  const shift = stats.uid === user.uid ? 6 : stats.gid === user.gid ? 3 : 0;
  return ((stats.mode >> shift) & permission) !== 0;
}
