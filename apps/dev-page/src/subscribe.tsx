import { useState } from 'react';
import { usePlans, useRefresh } from '../../../src/react/index.ts';
import { changePlan } from './dev-api.ts';

/** What the product offers an account that Stripe bills nothing: your app would send the customer to Stripe's Checkout. */
export function Subscribe({ account }: { readonly account: string }) {
  const refresh = useRefresh();
  const plans = usePlans();
  const [asked, setAsked] = useState<string | null>(null);
  const [refusal, setRefusal] = useState<string | null>(null);

  async function subscribe(plan: string): Promise<void> {
    setAsked(plan);
    setRefusal(null);
    try {
      await changePlan(account, plan, null);
      refresh();
    } catch (error) {
      setRefusal(error instanceof Error ? error.message : String(error));
      setAsked(null);
    }
  }

  return (
    <section className="subscribe" aria-labelledby="subscribe">
      <h3 id="subscribe">Subscribe to</h3>
      <div>
        {plans.data?.plans
          .filter(({ prices }) => prices.length > 0)
          .map(({ plan, name }) => (
            <button
              key={plan}
              type="button"
              aria-label={`Subscribe to ${name}`}
              disabled={asked !== null}
              onClick={() => subscribe(plan)}
            >
              {asked === plan ? `${name} …` : name}
            </button>
          ))}
      </div>
      <p role="alert" className="bad">
        {refusal}
      </p>
    </section>
  );
}
