import type { Instant } from '../core/environment.ts';
import type { AcquireLeaseParams } from '../core/store.ts';
import { prepared } from './prepared.ts';
import type { Db } from './report-rows.ts';

/**
 * A lease that expires later than any clock that is roughly right could have said was taken by one that is ahead, and
 * may be nobody's any more: it is no reason to wait. Two workers at once are harmless.
 */
export async function acquireLease(
  db: Db,
  { job, holder, now, expires_at }: AcquireLeaseParams,
): Promise<boolean> {
  const latest = expires_at + (expires_at - now);
  const { numAffectedRows } = await takeLease(db, { job, holder, now, expires_at, latest });
  return numAffectedRows === 1n;
}

interface TakeLeaseParams extends AcquireLeaseParams {
  /** Of what other holders say. */
  readonly latest: Instant;
}

const takeLease = prepared((db, { job, holder, now, expires_at, latest }: TakeLeaseParams) =>
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
            eb('job_lease.expires_at', '>', latest),
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
