import { useState } from 'react';
import { PlanPicker, UsageProvider } from '../../../src/react/index.ts';

/** An app that changes plans and, unless its address says `?elsewhere`, subscribes. */
export function ChoosingAPlan() {
  const [subscribed, setSubscribed] = useState('');
  const isElsewhere = location.search === '?elsewhere';
  return (
    <UsageProvider baseUrl="/billing" pollMs={250}>
      <PlanPicker
        currentPlan="free"
        onChange={async () => ({ status: 'pending', reason: null })}
        onSubscribe={isElsewhere ? undefined : async (plan) => setSubscribed(plan)}
      />
      <output>{subscribed}</output>
    </UsageProvider>
  );
}
