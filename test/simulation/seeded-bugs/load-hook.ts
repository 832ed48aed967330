import { registerHooks } from 'node:module';
import { SEEDED_BUGS } from './bugs.ts';
import { plant } from './plant.ts';

/** Loaded before the product (`node --import`): the file that a bug is for is loaded with the bug in it. */
const bug = SEEDED_BUGS.find(({ name }) => name === process.env['TALLYBOOK_SEEDED_BUG']);
if (!bug) throw new Error('TALLYBOOK_SEEDED_BUG names no seeded bug.');

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(`/${bug.file}`)) return loaded;
    return { ...loaded, source: plant(String(loaded.source), bug) };
  },
});
