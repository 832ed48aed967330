import { usage } from '../tallybook.config';
import { UsageCards } from './usage-cards';

// Read for each request: whoever is signed in sees their own.
export const dynamic = 'force-dynamic';

/** Here your app knows who is signed in. */
const account = 'acct_1';

export default async function Page() {
  const [{ token }, cost] = await Promise.all([usage.tokens.create({ account }), usage.cost({ account })]);
  return <UsageCards token={token} cost={cost} />;
}
