import { parseArgs } from 'node:util';
import { SEEDED_BUGS } from './bugs.ts';
import { hunt } from './hunt.ts';

/** `npm run seeded-bugs [-- --find N] [-- --name NAME]`: each bug with its seed, or the first of N seeds that finds it. */
const { values } = parseArgs({ options: { find: { type: 'string' }, name: { type: 'string' } } });

let missed = 0;
for (const bug of SEEDED_BUGS) {
  if (values.name !== undefined && values.name !== bug.name) continue;
  const caught =
    values.find === undefined ? await hunt(bug, bug.seed, 1) : await hunt(bug, 1, Number(values.find), 2);
  if (!caught) missed += 1;
  console.log(
    `| ${bug.name} | ${caught ? caught.seed : 'MISSED'} | ${caught?.invariant.slice(0, 120) ?? ''} |`,
  );
}
process.exitCode = missed === 0 ? 0 : 1;
