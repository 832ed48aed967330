import type { Instant } from '../core/environment.ts';
import type { AcquireLeaseParams } from '../core/store.ts';
import { prepared } from './prepared.ts';
import type { Db } from './report-rows.ts';

export async function acquireLease(
  db: Db,
  { job, holder, now, expires_at }: AcquireLeaseParams,
): Promise<boolean> {
  const { numAffectedRows } = await takeLease(db, { job, holder, now, expires_at });
  return numAffectedRows === 1n;
}

const takeLease = prepared((db, { job, holder, now, expires_at }: AcquireLeaseParams) =>
  db
    .insertInto('job_lease')
    .values({ job, holder, expires_at, last_run_at: null })
    .onConflict((conflict) =>
      conflict
        .column('job')
        .doUpdateSet({ holder, expires_at })
        .where((eb) =>
          eb.or([
            eb('job_lease.holder', 'is', null),
            eb('job_lease.holder', '=', holder),
            eb('job_lease.expires_at', '<=', now),
          ]),
        ),
    ),
);

export async function releaseLease(db: Db, job: string, holder: string): Promise<void> {
  await giveLeaseBack(db, { job, holder });
}

const giveLeaseBack = prepared((db, { job, holder }: { job: string; holder: string }) =>
  db
    .updateTable('job_lease')
    .set({ holder: null, expires_at: 0 })
    .where('job', '=', job)
    .where('holder', '=', holder),
);

export async function setLastRun(db: Db, job: string, last_run_at: Instant): Promise<void> {
  await db
    .insertInto('job_lease')
    .values({ job, holder: null, expires_at: 0, last_run_at })
    .onConflict((conflict) => conflict.column('job').doUpdateSet({ last_run_at }))
    .execute();
}
