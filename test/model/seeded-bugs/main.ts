import { parseArgs } from 'node:util';
import { MODEL_BUGS } from './bugs.ts';
import { huntModel } from './hunt.ts';

/** `node test/model/seeded-bugs/main.ts [--find N] [--name NAME]`: each bug with its seed, or the first of N that finds it. */
const { values } = parseArgs({ options: { find: { type: 'string' }, name: { type: 'string' } } });

let missed = 0;
for (const bug of MODEL_BUGS) {
  if (values.name !== undefined && values.name !== bug.name) continue;
  const caught =
    values.find === undefined
      ? await huntModel(bug, bug.seed, 1)
      : await huntModel(bug, 1, Number(values.find));
  if (!caught) missed += 1;
  console.log(`| ${bug.name} | ${caught?.seed ?? 'MISSED'} | ${caught?.words.slice(0, 120) ?? ''} |`);
}
process.exitCode = missed === 0 ? 0 : 1;
