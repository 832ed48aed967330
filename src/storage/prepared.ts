import type { Compilable, CompiledQuery, QueryResult } from 'kysely';
import type { Db } from './report-rows.ts';

/**
 * A statement that is built once for a database and run with new parameters each time: for Kysely, building one takes
 * longer than running it takes SQLite. What the worker asks all the time is made so.
 *
 * @param build as for a single execution; it sees only what stands for the parameters, so it must not decide by them.
 */
export function prepared<Params extends object, Row>(
  build: (db: Db, params: Params) => Compilable<Row>,
): (db: Db, params: Params) => Promise<QueryResult<Row>> {
  // Transactions on a database share its adapter, and all databases of an engine that have no schema of their own.
  const compiled = new WeakMap<object, CompiledQuery<Row>>();
  return async (db, params) => {
    const { adapter } = db.getExecutor();
    let query = compiled.get(adapter);
    if (!query) {
      query = build(db, placeholders<Params>()).compile();
      compiled.set(adapter, query);
    }
    const parameters = query.parameters.map((parameter) =>
      parameter instanceof Placeholder ? Reflect.get(params, parameter.name) : parameter,
    );
    return await db.executeQuery({ ...query, parameters });
  };
}

/** Where a parameter's value comes into a compiled statement. */
class Placeholder {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Whatever parameter is asked for, a placeholder, which Kysely binds as it binds any value. */
function placeholders<Params extends object>(): Params {
  return new Proxy({}, { get: (_, name) => new Placeholder(String(name)) }) as Params;
}
