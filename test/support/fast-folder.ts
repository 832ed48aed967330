import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

/** Linux keeps these files in memory, where a sync costs nothing. Containers give it as little as 64 MB. */
const MEMORY_FILES = '/dev/shm';
const ROOM_NEEDED_BYTES = 2 ** 31;

/** Where what need not outlive the machine is kept: in memory, if the system has room there. */
export const FAST_FOLDER = freeBytes(MEMORY_FILES) >= ROOM_NEEDED_BYTES ? MEMORY_FILES : tmpdir();

function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return 0;
  }
}
