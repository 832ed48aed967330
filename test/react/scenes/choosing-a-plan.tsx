import { useState } from 'react';
import { PlanPicker, UsageProvider } from '../../../src/react/index.ts';

/** An app that changes plans and, unless its address says `?elsewhere`, subscribes; of whom is on the free plan with `?free`. */
export function ChoosingAPlan() {
  const [subscribed, setSubscribed] = useState('');
  const isElsewhere = location.search === '?elsewhere';
  const isFree = location.search === '?free';

  async function subscribe(plan: string): Promise<void> {
    if (plan === 'team') throw new Error('No seats are left.');
    setSubscribed(plan);
  }

  return (
    <UsageProvider baseUrl="/billing" pollMs={250}>
      <PlanPicker
        currentPlan={isFree ? 'free' : 'basic'}
        onChange={async () => ({ status: 'pending', reason: null })}
        onSubscribe={isElsewhere ? undefined : subscribe}
      />
      <output>{subscribed}</output>
    </UsageProvider>
  );
}
