import { useState } from 'react';
import { useRefresh } from '../../../../src/react/index.ts';

/** What a button does: the page shows at once what came of it, or the refusal that is to be told. */
export function useAction() {
  const refresh = useRefresh();
  const [refusal, setRefusal] = useState<string | null>(null);

  async function act(run: () => Promise<unknown>): Promise<void> {
    setRefusal(null);
    try {
      await run();
    } catch (error) {
      setRefusal(error instanceof Error ? error.message : String(error));
    }
    refresh();
  }

  return { act, refusal };
}
