import type { JsonObject } from './json.ts';

/** What goes back to the client, as Stripe's API answers. */
export interface Answer {
  readonly status: number;
  readonly body: JsonObject;
  readonly headers: Readonly<Record<string, string>>;
}
