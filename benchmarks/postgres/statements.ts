import { createUsage, type Usage } from '../../src/index.ts';
import type { BenchmarkDatabase } from './server.ts';
import { type Query, watchedPool } from './watched-pool.ts';

/** The statements that a call of the library makes, once the database is open. */
export async function statementsOf(
  database: BenchmarkDatabase,
  call: (usage: Usage) => Promise<unknown>,
): Promise<Query[]> {
  const pool = database.openPool();
  const statements: Query[] = [];
  const watched = watchedPool(pool, (query, ask) => {
    statements.push(query);
    return ask();
  });
  const usage = createUsage({ database: watched, meters: { credits: {} } });
  await call(usage);
  statements.length = 0;
  await call(usage);
  await usage.close();
  await pool.end();
  return statements;
}

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly Plan[];
}

/** The tables of reports and events that a statement reads from one end to the other. Empty partitions do not count. */
export async function tablesScanned(
  database: BenchmarkDatabase,
  { text, values }: Query,
): Promise<readonly string[]> {
  const [row] = await database.query(`EXPLAIN (FORMAT JSON) ${text}`, values);
  const explained = row?.['QUERY PLAN'] as [{ readonly Plan: Plan }] | undefined;
  if (!explained) throw new Error(`The server does not explain ${text}`);
  const scanned = scansOf(explained[0].Plan).filter((table) => table.startsWith('usage'));
  const filled = await database.query(
    `SELECT name FROM unnest($1::text[]) AS name WHERE pg_relation_size(('tallybook.' || quote_ident(name))::regclass) > 0`,
    [scanned],
  );
  return filled.map(({ name }) => String(name));
}

function scansOf(plan: Plan): string[] {
  const own = plan['Node Type'] === 'Seq Scan' ? [plan['Relation Name'] ?? ''] : [];
  return [...own, ...(plan.Plans ?? []).flatMap(scansOf)];
}
