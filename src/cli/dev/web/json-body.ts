import { BodyDeadline } from '../../../http/body-deadline.ts';
import { readJson as readStrictly } from '../../../http/strict-json.ts';
import { systemEnvironment } from '../../../system-environment.ts';

const deadline = new BodyDeadline(systemEnvironment().clock);

/** Reads a JSON body as the HTTP API does, with its limits. @throws UsageError */
export function readJson(request: Request): Promise<unknown> {
  return readStrictly(request, ['application/json'], deadline);
}
