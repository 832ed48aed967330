import { createUsage } from '../../src/index.ts';

/** Increments that nobody awaits, and a program that never closes: `unattended.ts <what> <path>`. */
const [what = '', path = ''] = process.argv.slice(2);
const INCREMENTS = 1_000;
const usage = createUsage({
  database: { path },
  meters: { credits: {} },
  onError: (error) => {
    console.log(error instanceof Error && 'code' in error ? error.code : 'not a UsageError');
  },
});

switch (what) {
  case 'invalid':
    usage.increment({ account: 'acct_1', quantity: -1 });
    break;
  case 'failing':
    usage.increment({ account: 'acct_1' });
    break;
  case 'failing handler':
    usage.increment({ account: 'acct_1' }).catch(() => console.log('caught'));
    break;
  case 'closed':
    await usage.close();
    usage.increment({ account: 'acct_1' });
    break;
  case 'drained':
    for (let index = 0; index < INCREMENTS; index += 1) usage.increment({ account: `acct_${index % 7}` });
    await usage.close();
    break;
  case 'never closed':
    for (let index = 0; index < 10; index += 1) {
      await Promise.all(
        Array.from({ length: INCREMENTS / 10 }, () => usage.increment({ account: 'acct_1' })),
      );
    }
    break;
  case 'neither':
    for (let index = 0; index < INCREMENTS; index += 1) usage.increment({ account: 'acct_1' });
    break;
}
