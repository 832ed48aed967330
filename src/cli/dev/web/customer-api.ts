import type { Context, Hono } from 'hono';
import { z } from 'zod';
import { isLive } from '../../../core/stripe-subscription.ts';
import type { DemoUsage } from '../demo.ts';
import { HttpError } from './http-error.ts';
import { readJson } from './json-body.ts';

export interface CustomerApiContext {
  readonly usage: DemoUsage;
}

/**
 * What the customer's page of one account reads: the API of `usage.handler`, with a browser token of the account, as the
 * server of an app would hand one out to whoever is signed in. It shows nothing that the token may not see.
 */
export function mountCustomerApi(app: Hono, context: CustomerApiContext): void {
  // A token changes nothing, whatever the method is.
  app.on(['GET', 'POST'], '/accounts/:account/v1/*', (c) => readWithToken(context, c));
  app.put('/accounts/:account/plan', async (c) =>
    c.json(await putOnPlan(context, c.req.param('account'), await readJson(c.req.raw))),
  );
}

const planChange = z.strictObject({ plan: z.string(), proration_date: z.string().optional() });

type Plan = Parameters<DemoUsage['plans']['change']>[0]['plan'];

/**
 * Changes the subscription, or subscribes an account that has none: the simulated Stripe takes it that the customer has a
 * card. The methods check the name of the plan themselves, and say what is wrong.
 */
async function putOnPlan({ usage }: CustomerApiContext, account: string, body: unknown) {
  const parsed = planChange.safeParse(body);
  if (!parsed.success) {
    const remedy = 'Send {"plan":"scale"}, with the proration_date of its preview.';
    throw new HttpError(400, 'invalid_parameter', 'It is not clear which plan is wanted.', remedy);
  }
  const { proration_date } = parsed.data;
  const plan = parsed.data.plan as Plan;
  const { status } = await usage.subscriptions.get({ account });
  if (status === 'none' || !isLive({ status })) {
    await usage.subscriptions.create({ account, plan });
    return { status: 'done', reason: null };
  }
  return await usage.plans.change({
    account,
    plan,
    ...(proration_date === undefined ? {} : { proration_date }),
  });
}

async function readWithToken({ usage }: CustomerApiContext, c: Context): Promise<Response> {
  const { token } = await usage.tokens.create({ account: c.req.param('account') ?? '' });
  const { pathname, search } = new URL(c.req.url);
  const path = pathname.slice(pathname.indexOf('/v1/'));
  const headers = new Headers(c.req.raw.headers);
  headers.set('authorization', `Bearer ${token}`);
  const { method } = c.req;
  const body = method === 'GET' ? null : await c.req.arrayBuffer();
  const answer = await usage.handler(
    new Request(`http://localhost${path}${search}`, { method, headers, body }),
  );
  // The headers of an answer may be fixed, and the page's policy is added to them.
  return new Response(answer.body, answer);
}
