import { openSqliteDatabase } from './database/sqlite-database.ts';
import { runSchedule } from './run-schedule.ts';
import { drawSchedule } from './schedule/draw-schedule.ts';
const from = Number(process.argv[2]), n = Number(process.argv[3]);
const t = performance.now();
let failed = 0, invoiced = 0;
for (let seed = from; seed < from + n; seed++) {
  const run = await runSchedule(drawSchedule(seed), await openSqliteDatabase(), { isTraced: n === 1, contract: null });
  invoiced += run.invoiced;
  if (n === 1) console.log(run.trace.join('\n'), run.hash);
  if (run.failure) { failed++; if (failed < 30) console.log(seed, n === 1 ? run.failure : run.failure.split('\n').slice(0, 2).join(' ').slice(0, 400)); }
}
console.log('ms/schedule', ((performance.now() - t) / n).toFixed(1), 'failed', failed, 'invoiced', invoiced);
