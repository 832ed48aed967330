import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { UsageError } from '../core/errors.ts';
import type { RecordUsageParams, RecordUsageResult, Store } from '../core/store.ts';
import type { Increment } from '../core/usage-event.ts';
import { systemEnvironment } from '../system-environment.ts';
import { MAX_WAITING_CALLS, Recorder } from './recorder.ts';

const increment = (fields: Partial<Increment> = {}): Increment => ({
  account_id: 'acct_1',
  meter: 'credits',
  quantity: 1,
  idempotency_key: null,
  occurred_at: null,
  properties: null,
  ...fields,
});

const SQLITE_LIKE = {
  max_entries: 2_000,
  max_in_flight: 2,
  entries_to_overlap: 2_000,
  divides_accounts: false,
};

/** The recorder's side of the store, with commits that end when the test says so. */
function heldStore(batching: Store['batching'] = SQLITE_LIKE) {
  const commits: { params: RecordUsageParams; finish(result?: RecordUsageResult | Error): void }[] = [];
  const recordUsage = (params: RecordUsageParams) =>
    new Promise<RecordUsageResult>((resolve, reject) => {
      const recorded = { outcomes: params.entries.map(() => 'recorded' as const), failure: null };
      const finish = (result: RecordUsageResult | Error = recorded) =>
        result instanceof Error ? reject(result) : resolve(result);
      commits.push({ params, finish });
    });
  const recordInTransaction = () => Promise.reject(new Error('Not used here.'));
  const store: Pick<Store, 'batching' | 'recordUsage' | 'recordInTransaction'> = {
    batching,
    recordUsage,
    recordInTransaction,
  };
  return { commits, recorder: new Recorder(store, systemEnvironment()) };
}

/** Until whoever has called has called, and what is committed then is. */
async function turn(): Promise<void> {
  await nextTurn();
  await nextTurn();
}

describe('group commit', () => {
  test('calls of several events that came at the same time are committed together', async () => {
    const { commits, recorder } = heldStore();
    // As two requests that the event loop finds in one turn, each in a callback of its own.
    const calls = [1, 2].map(
      (quantity) =>
        new Promise((resolve) => {
          setTimeout(() =>
            resolve(recorder.record(increment({ quantity, idempotency_key: `key_${quantity}` }))),
          );
        }),
    );
    await vi.waitFor(() => expect(commits).not.toEqual([]));
    expect(commits.map(({ params }) => params.entries.length)).toEqual([2]);
    commits[0]?.finish();
    await Promise.all(calls);
  });

  test('a lone call is committed at once', async () => {
    const { commits, recorder } = heldStore();
    const call = recorder.record(increment());
    await turn();
    expect(commits).toHaveLength(1);
    commits[0]?.finish();
    await expect(call).resolves.toEqual({ recorded: true, duplicate: false });
  });

  test('a commit takes accounts in the order of the databases, also beyond U+FFFF', async () => {
    const { commits, recorder } = heldStore();
    const ids = ['\u{1F600}b', '\uFF21', 'b', '\u{1F600}', 'a', '\u{1F601}', '\u{1F600}a'];
    const calls = ids.map((account_id) => recorder.record(increment({ account_id })));
    await turn();
    const committed = commits[0]?.params.entries.map(({ account_id }) => account_id);
    const inBytes = ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(committed).toEqual(inBytes);
    commits[0]?.finish();
    await Promise.all(calls);
  });

  test('calls made together are one event; calls with a key, a timestamp or properties stay apart', async () => {
    const { commits, recorder } = heldStore();
    const calls = [
      ...Array.from({ length: 100 }, () => recorder.record(increment({ quantity: 2 }))),
      recorder.record(increment({ idempotency_key: 'k' })),
      recorder.record(increment({ occurred_at: 5 })),
      recorder.record(increment({ properties: '{}' })),
      recorder.record(increment({ account_id: 'acct_0' })),
    ];
    await turn();
    const entries = commits[0]?.params.entries ?? [];
    expect(entries.map(({ account_id, quantity }) => [account_id, quantity])).toEqual([
      ['acct_0', 1],
      ['acct_1', 200],
      ['acct_1', 1],
      ['acct_1', 1],
      ['acct_1', 1],
    ]);
    commits[0]?.finish();
    await expect(Promise.all(calls)).resolves.toHaveLength(104);
  });

  test('what arrives while a commit is in flight goes together in the next', async () => {
    const { commits, recorder } = heldStore();
    const calls: Promise<unknown>[] = [];
    for (let index = 0; index < 10; index += 1) {
      calls.push(recorder.record(increment({ idempotency_key: `k${index}` })));
      await turn();
    }
    expect(commits.map(({ params }) => params.entries.length)).toEqual([1]);
    commits[0]?.finish();
    await turn();
    expect(commits.map(({ params }) => params.entries.length)).toEqual([1, 9]);
    for (const commit of commits) commit.finish();
    await Promise.all(calls);
  });

  test('at most two commits are in flight, the second only with a full batch', async () => {
    const { commits, recorder } = heldStore();
    const calls: Promise<unknown>[] = [];
    for (let index = 0; index < 6_001; index += 1) {
      calls.push(recorder.record(increment({ idempotency_key: `k${index}` })));
      if (index === 0) await turn();
    }
    await turn();
    expect(commits.map(({ params }) => params.entries.length)).toEqual([1, 2_000]);
    for (let index = 0; index < 4; index += 1) {
      commits[index]?.finish();
      await turn();
    }
    await Promise.all(calls);
  });

  test.each([
    ['one after the other: they wait together', false, [[1, 2, 3, 4]]],
    [
      'at once: they divide the accounts',
      true,
      [
        [1, 2],
        [3, 4],
      ],
    ],
  ])('commits that an engine carries out %s', async (_, divides_accounts, expected) => {
    const { commits, recorder } = heldStore({ ...SQLITE_LIKE, entries_to_overlap: 2, divides_accounts });
    const calls = [3, 1, 4, 2].map((number) =>
      recorder.record(increment({ account_id: `acct_${number}`, quantity: number })),
    );
    await turn();
    expect(commits.map(({ params }) => params.entries.map(({ quantity }) => quantity))).toEqual(expected);
    for (const { finish } of commits) finish();
    await Promise.all(calls);
  });

  test('every commit has an id of its own', async () => {
    const { commits, recorder } = heldStore();
    void recorder.record(increment());
    await turn();
    commits[0]?.finish();
    void recorder.record(increment());
    await turn();
    expect(new Set(commits.map(({ params }) => params.flush_id)).size).toBe(2);
  });

  test('a shared event never exceeds the largest quantity', async () => {
    const { commits, recorder } = heldStore();
    void recorder.record(increment({ quantity: 999_999_999_999_999 }));
    void recorder.record(increment({ quantity: 2 }));
    void recorder.record(increment({ quantity: 3 }));
    await turn();
    expect(commits[0]?.params.entries.map(({ quantity }) => quantity)).toEqual([999_999_999_999_999, 5]);
  });
});

describe('answers', () => {
  test('every call gets the outcome of its own entry', async () => {
    const { commits, recorder } = heldStore();
    const calls = ['a', 'b', 'c'].map((key) => recorder.record(increment({ idempotency_key: key })));
    await turn();
    commits[0]?.finish({ outcomes: ['recorded', 'duplicate', 'conflict'], failure: null });
    await expect(calls[0]).resolves.toEqual({ recorded: true, duplicate: false });
    await expect(calls[1]).resolves.toEqual({ recorded: false, duplicate: true });
    await expect(calls[2]).rejects.toMatchObject({ code: 'idempotency_conflict', value: '"c"' });
  });

  test('a commit that failed rejects its own calls, and the next one goes on', async () => {
    const { commits, recorder } = heldStore();
    const failing = recorder.record(increment());
    await turn();
    const other = recorder.record(increment());
    await turn();
    commits[0]?.finish(new UsageError('storage_failed'));
    await expect(failing).rejects.toMatchObject({ code: 'storage_failed' });
    await turn();
    commits[1]?.finish();
    await expect(other).resolves.toMatchObject({ recorded: true });
  });

  test('what a commit has recorded is not reported as failed with the rest', async () => {
    const { commits, recorder } = heldStore();
    const calls = ['a', 'b'].map((key) => recorder.record(increment({ idempotency_key: key })));
    await turn();
    commits[0]?.finish({ outcomes: ['recorded', 'failed'], failure: new UsageError('storage_busy') });
    await expect(calls[0]).resolves.toMatchObject({ recorded: true });
    await expect(calls[1]).rejects.toMatchObject({ code: 'storage_busy' });
  });

  test('zero units are not written', async () => {
    const { commits, recorder } = heldStore();
    await expect(recorder.record(increment({ quantity: 0 }))).resolves.toEqual({
      recorded: false,
      duplicate: false,
    });
    expect(commits).toHaveLength(0);
  });
});

describe('bounds', () => {
  test('the queue refuses rather than grows, and takes calls again when it has room', async () => {
    const { commits, recorder } = heldStore();
    for (let call = 0; call < MAX_WAITING_CALLS; call += 1) void recorder.record(increment());
    await expect(recorder.record(increment())).rejects.toMatchObject({ code: 'overloaded', status: 503 });
    await turn();
    commits[0]?.finish();
    await recorder.drain();
    const call = recorder.record(increment());
    await turn();
    commits[1]?.finish();
    await expect(call).resolves.toMatchObject({ recorded: true });
  });

  test('drain waits for everything that was accepted', async () => {
    const { commits, recorder } = heldStore();
    await recorder.drain();
    void recorder.record(increment());
    let isDrained = false;
    const drained = recorder.drain().then(() => {
      isDrained = true;
    });
    await turn();
    expect(isDrained).toBe(false);
    commits[0]?.finish();
    await drained;
  });
});
