'use client';

import type { CostResult } from 'tallybook/client';
import { CostSoFar, UsageChart, UsageMeter, UsageProvider } from 'tallybook/react';

interface UsageCardsProps {
  /** Good for 15 minutes: in an app of yours, `getToken` asks for the next one. */
  readonly token: string;
  readonly cost: CostResult;
}

export function UsageCards({ token, cost }: UsageCardsProps) {
  return (
    <UsageProvider baseUrl="/api/billing" token={token}>
      <UsageMeter initialData={cost} />
      <CostSoFar initialData={cost} />
      <UsageChart />
    </UsageProvider>
  );
}
