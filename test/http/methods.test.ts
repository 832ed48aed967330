import { expect, test } from 'vitest';
import { BodyDeadline } from '../../src/http/body-deadline.ts';
import { OPEN_ROUTES } from '../../src/http/open-routes.ts';
import { Readiness } from '../../src/http/readiness.ts';
import { RESOURCES } from '../../src/http/resources.ts';
import type { RouteContext } from '../../src/http/route.ts';
import type { HttpService } from '../../src/http/service.ts';
import { systemEnvironment } from '../../src/system-environment.ts';
import { APP, readRoutes, sampleOf } from './operations.ts';
import { createServed } from './served.ts';

/** Methods without a route, and why there is none. */
const WITHOUT_ROUTE: Readonly<Record<string, string>> = {
  handler: 'It is the API.',
  close: 'It ends the process’s own part.',
  report: 'It takes as long as there are accounts; the worker does it.',
  'worker.start': 'It is of the process.',
  'worker.stop': 'It is of the process.',
  'worker.runOnce': 'It is `report`.',
  'worker.tick': 'It is for tests.',
  'worker.nextDueAt': 'It is for tests.',
  'keys.create': 'Whoever has a key must not make others that outlive it.',
  'keys.rotate': 'The same.',
  'keys.revoke': 'The same: one key would end all others.',
  'keys.list': 'The same.',
  'keys.history': 'The same.',
  'catalogue.compare': 'What is sold is decided where the configuration is: `tallybook push`.',
  'catalogue.push': 'The same.',
  'catalogue.pull': 'It writes the configuration.',
  doctor: 'It tells of the installation, to whoever runs it.',
};
/** What is called otherwise behind the routes. */
const NAMES: Readonly<Record<string, string>> = { explainReport: 'explain', explainInvoice: 'explain' };

/** Names of an object's methods, with those of its parts: `plans.list`. */
function methodsOf(object: object, prefix = ''): string[] {
  return Object.entries(object).flatMap(([name, value]) => {
    if (typeof value === 'function') return [`${prefix}${name}`];
    return typeof value === 'object' && value !== null ? methodsOf(value, `${prefix}${name}.`) : [];
  });
}

/** What the routes call, each sent something that it takes. */
async function methodsCalled(): Promise<ReadonlySet<string>> {
  const called = new Set<string>();
  const environment = systemEnvironment();
  const service = recording(called) as HttpService; // it has whatever method is asked of it
  const context: RouteContext = {
    service,
    environment,
    base_path: '',
    deadline: new BodyDeadline(environment.clock),
    readiness: new Readiness(service, environment.clock),
    allowed_origins: new Set([APP]),
    cloud_events: { rules: new Map(), meters: new Set(['credits']) },
    tell: () => {},
  };
  const caller = { kind: 'key', id: 'key', scopes: ['admin'], account: null } as const;
  for (const operation of await readRoutes()) {
    const { method, path, body } = sampleOf(operation, 'acct_1');
    const request = new Request(`http://localhost${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const route = RESOURCES.find(({ definition }) => definition.operation_id === operation.operationId);
    const open = OPEN_ROUTES.find(({ definition }) => definition.operation_id === operation.operationId);
    await route?.run({ caller, request, request_id: 'r' }, context);
    await open?.run(request, context);
  }
  return called;
}

/** Has every method, at any depth; each notes its name and answers with nothing. */
function recording(called: Set<string>, path: readonly string[] = []): unknown {
  const method = async () => {
    called.add(path.join('.'));
    return path[0] === 'webhook' ? Response.json({}) : {};
  };
  return new Proxy(method, { get: (_, name) => recording(called, [...path, String(name)]) });
}

test('every public method has a route, or a reason why it has none', async () => {
  const { usage } = createServed();
  const called = new Set([...(await methodsCalled())].map((name) => NAMES[name] ?? name));
  const methods = methodsOf(usage);
  expect(methods.length).toBeGreaterThan(50);
  expect(methods.filter((name) => !called.has(name)).sort()).toEqual(Object.keys(WITHOUT_ROUTE).sort());
  // And nothing is reached that is not public, but for the look whether the database answers.
  expect([...called].filter((name) => !methods.includes(name))).toEqual(['ping']);
});
