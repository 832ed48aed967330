import { type ShownChange, type ShownPreview, useRefresh } from '../../../src/react/index.ts';
import { UsagePage } from '../../usage-page/src/usage-page.tsx';
import { changePlan, type DevAccount } from './dev-api.ts';
import type { DevLanguage } from './preferences.ts';

export interface CustomerPageProps {
  readonly account: string;
  readonly accounts: readonly DevAccount[];
  readonly onAccount: (account: string) => void;
  readonly language: DevLanguage;
}

/** What the customer sees, as `tallybook serve` ships it; and whose it is, which there the token says. */
export function CustomerPage(props: CustomerPageProps) {
  const { account, accounts, onAccount, language } = props;
  const refresh = useRefresh();
  const known = accounts.some((each) => each.account === account) ? accounts : [{ account }, ...accounts];

  async function change(plan: string, preview: ShownPreview | null): Promise<ShownChange> {
    const made = await changePlan(account, plan, preview);
    refresh();
    return made;
  }

  /** Your app would send the customer to Stripe's Checkout. */
  async function subscribe(plan: string): Promise<void> {
    await changePlan(account, plan, null);
  }

  return (
    <UsagePage
      key={account}
      language={language}
      units={language.units}
      eyebrow="The customer’s page"
      choices={
        <label>
          <span>Account</span>
          <select value={account} onChange={(event) => onAccount(event.target.value)}>
            {known.map((each) => (
              <option key={each.account}>{each.account}</option>
            ))}
          </select>
        </label>
      }
      onChangePlan={change}
      onSubscribe={subscribe}
    />
  );
}
