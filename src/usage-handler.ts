import type { Meters } from './core/meter.ts';
import type { Plans } from './core/plan.ts';
import type { Store } from './core/store.ts';
import type { HttpHandler, HttpHandlerOptions } from './http/handler.ts';
import type { HttpService } from './http/service.ts';
import { listPlans } from './methods/listed-plans.ts';

export interface UsageHandlerOptions
  extends Pick<HttpHandlerOptions, 'environment' | 'settings' | 'tell' | 'isClosed'> {
  readonly store: Store;
  readonly meters: Meters;
  readonly plans: Plans;
  /** The methods of `usage`, which do not tell anybody of what they reject with: the handler answers it. */
  readonly methods: Omit<HttpService, 'plans' | 'ping'> & {
    readonly plans: Omit<HttpService['plans'], 'list'>;
  };
}

/** What is behind `usage.handler`. It is loaded with the first request: most of what it needs, nobody else does. */
export function createUsageHandler(options: UsageHandlerOptions) {
  const { store, meters, plans, methods, environment, settings, tell, isClosed } = options;
  let loading: Promise<HttpHandler> | null = null;
  const service: HttpService = {
    ...methods,
    plans: {
      ...methods.plans,
      list: async ({ account }) => ({ plans: listPlans(plans, await planOf(account)) }),
    },
    ping: async () => {
      await store.readAgenda({ job: 'usage' });
    },
  };

  /** The plan of the one account that somebody is restricted to; null = of none. */
  async function planOf(account_id: string | null): Promise<string | null> {
    if (account_id === null) return null;
    return (await store.getAccount({ account_id }))?.account.plan ?? null;
  }

  async function load(): Promise<HttpHandler> {
    const { createHttpHandler } = await import('./http/handler.ts');
    return createHttpHandler({ service, store, meters: meters.names, environment, settings, tell, isClosed });
  }

  return {
    async handle(request: Request): Promise<Response> {
      loading ??= load();
      try {
        return await (await loading).handle(request);
      } catch (error) {
        loading = null; // a module could not be loaded: the next request tries again
        tell(error);
        return new Response(null, { status: 500 });
      }
    },
    async drain(): Promise<void> {
      await (await loading)?.drain();
    },
  };
}
