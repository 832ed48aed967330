import { registerHooks } from 'node:module';
import { plant } from '../../simulation/seeded-bugs/plant.ts';
import { MODEL_BUGS } from './bugs.ts';

/** Loaded before the product (`node --import`): the file that a bug is for is loaded with the bug in it. */
const bug = MODEL_BUGS.find(({ name }) => name === process.env['TALLYBOOK_SEEDED_BUG']);
if (!bug) throw new Error('TALLYBOOK_SEEDED_BUG names no seeded bug.');

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(`/${bug.file}`)) return loaded;
    return { ...loaded, source: plant(String(loaded.source), bug) };
  },
});
