import type { ModelScene } from './scene.ts';

/** A row of the table `subscription_change`, as far as it is looked at. */
export interface ChangeRow {
  readonly account_id: string;
  readonly change_id: number;
  readonly kind: 'plan' | 'cancel' | 'seats';
  readonly status: 'flushing' | 'applying' | 'done' | 'failed';
  readonly stripe_subscription: string;
  readonly plan: string | null;
  readonly seats: number | null;
  readonly requested_at: number;
  readonly changed_at: number | null;
  readonly error_code: string | null;
  readonly last_error: string | null;
}

/** The changes of an account, oldest first. */
export async function changeRows(scene: ModelScene, account: string): Promise<ChangeRow[]> {
  const rows = await scene.database.rows('subscription_change');
  // The shape of the table is the product's own.
  return rows.map((row) => row as unknown as ChangeRow).filter(({ account_id }) => account_id === account);
}
