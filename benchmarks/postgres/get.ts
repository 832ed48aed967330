import { parseArgs } from 'node:util';
import { createUsage, type Usage } from '../../src/index.ts';
import { type LoadResult, runClosedLoop } from '../measuring/closed-loop.ts';
import { median } from '../measuring/quantile.ts';
import { goalLine, Measurements, pairedRatios, tableOf } from '../measuring/results.ts';
import { accountIds } from './accounts.ts';
import { fillHistory } from './history.ts';
import { type BenchmarkDatabase, OPTIONS, openServer } from './server.ts';
import { statementsOf, tablesScanned } from './statements.ts';

/** `usage.get` of the current billing period, in a database with months of history. See ../README.md. */
const { values: options } = parseArgs({ options: { ...OPTIONS, rows: { type: 'string' } } });

const RUNS = options.quick ? 1 : Number(options.runs);
const DURATION_MS = options.quick ? 300 : 2_000;
const WARM_UP_MS = 300;
const CALLERS = [1, 16];
const ROWS = Number(options.rows ?? (options.quick ? 100_000 : 10_000_000));
const EVENTS_PER_ACCOUNT = 100;
const ACCOUNTS = accountIds(Math.min(100_000, Math.floor(ROWS / EVENTS_PER_ACCOUNT)));
const MAX_STATEMENTS = 2;
const CHECKED_ACCOUNTS = 20;

/** A line of the JSON file. */
interface Measurement extends LoadResult {
  readonly run: number;
  readonly callers: number;
  readonly contender: 'primary_key' | 'get';
}

const measurements = new Measurements<Measurement>(options.json);
const server = await openServer(options.directory);
let statements = 0;
try {
  const database = await server.createDatabase();
  const started_at = performance.now();
  await fillHistory(database, { rows: ROWS, accounts: ACCOUNTS });
  process.stderr.write(`filled in ${Math.round((performance.now() - started_at) / 1_000)} s\n`);
  statements = await checkStatements(database);
  await measure(database);
} finally {
  await server.stop();
}
console.log(`\n${resultTable()}\n\n${goalLines().join('\n')}`);

/** Both through one pool, in turns. */
async function measure(database: BenchmarkDatabase): Promise<void> {
  const pool = database.openPool();
  const usage = createUsage({ database: pool, meters: { credits: {} } });
  await verify(database, usage);
  const calls = {
    primary_key: (account: string) =>
      pool.query('SELECT * FROM tallybook.usage WHERE account_id = $1 AND meter = $2 AND report_id = $3', [
        account,
        'credits',
        1,
      ]),
    get: (account: string) => usage.get({ account }),
  };
  for (let run = 1; run <= RUNS; run += 1) {
    for (const callers of CALLERS) {
      for (const contender of ['primary_key', 'get'] as const) {
        const load = { call: calls[contender], accounts: ACCOUNTS, callers };
        await runClosedLoop({ ...load, duration_ms: WARM_UP_MS });
        const result = await runClosedLoop({ ...load, duration_ms: DURATION_MS });
        const news = `run ${run}: ${callers} callers, ${contender}: p99 ${result.p99_ms.toFixed(2)} ms`;
        measurements.keep({ run, callers, contender, ...result }, news);
      }
    }
  }
  await usage.close();
  await pool.end();
}

/** What is fast and wrong is worth nothing: the ledger itself is added up. */
async function verify(database: BenchmarkDatabase, usage: Usage<'credits'>): Promise<void> {
  for (let nth = 0; nth < CHECKED_ACCOUNTS; nth += 1) {
    const account = ACCOUNTS[Math.floor((nth * ACCOUNTS.length) / CHECKED_ACCOUNTS)] ?? '';
    const { quantity, period_start, period_end } = await usage.get({ account });
    const [row] = await database.query(
      `SELECT sum(quantity)::float8 AS total FROM tallybook.usage_event
       WHERE account_id = $1 AND occurred_at >= $2 AND occurred_at < $3`,
      [account, Date.parse(period_start), Date.parse(period_end)],
    );
    if (quantity === row?.['total'] && quantity > 0) continue;
    throw new Error(`usage.get says that ${account} used ${quantity}, its ledger ${row?.['total']}.`);
  }
}

/** @throws where a call makes more statements than it may, or one of them scans a table. */
async function checkStatements(database: BenchmarkDatabase): Promise<number> {
  const made = await statementsOf(database, (usage) => usage.get({ account: ACCOUNTS[0] ?? '' }));
  if (made.length > MAX_STATEMENTS) throw new Error(`usage.get made ${made.length} statements.`);
  for (const statement of made) {
    const tables = await tablesScanned(database, statement);
    if (tables.length > 0) throw new Error(`usage.get scans ${tables.join(', ')}: ${statement.text}`);
  }
  return made.length;
}

function ofRow(callers: number, contender: Measurement['contender']): Measurement[] {
  return measurements.all.filter((one) => one.callers === callers && one.contender === contender);
}

function ratios(callers: number, field: 'p50_ms' | 'p99_ms'): number[] {
  return pairedRatios(ofRow(callers, 'get'), ofRow(callers, 'primary_key'), (one) => one[field]);
}

function resultTable(): string {
  const rows = CALLERS.flatMap((callers) =>
    (['primary_key', 'get'] as const).map((contender) => {
      const figure = (field: keyof LoadResult) => median(ofRow(callers, contender).map((one) => one[field]));
      return [
        callers,
        contender,
        Math.round(figure('per_second')).toLocaleString('en-US'),
        figure('p50_ms').toFixed(3),
        figure('p99_ms').toFixed(3),
        contender === 'get' ? median(ratios(callers, 'p50_ms')).toFixed(2) : '1.00',
        contender === 'get' ? median(ratios(callers, 'p99_ms')).toFixed(2) : '1.00',
        `${Math.round(figure('loop_busy') * 100)} %`,
      ];
    }),
  );
  const columns = ['callers', 'contender', 'calls/s', 'p50 ms', 'p99 ms', '× p50', '× p99', 'loop busy'];
  return tableOf(columns, rows);
}

function goalLines(): string[] {
  return [
    ...CALLERS.map((callers) =>
      goalLine({
        name: `usage.get with ${ROWS.toLocaleString('en-US')} ledger rows, ${callers} callers: p99 against a primary key`,
        values: ratios(callers, 'p99_ms'),
        unit: '×',
        at_most: 3,
      }),
    ),
    goalLine({
      name: 'usage.get, none of which scans a table',
      values: [statements],
      unit: 'statements',
      at_most: MAX_STATEMENTS,
    }),
  ];
}
