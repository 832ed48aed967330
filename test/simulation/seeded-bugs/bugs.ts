/** A mistake that the product could have, and a seed under which the simulation finds it. */
export interface SeededBug {
  readonly name: string;
  /** Of the product, from the repository's root. */
  readonly file: string;
  /** What stands there, exactly once. */
  readonly snippet: string;
  readonly replacement: string;
  readonly seed: number;
}

/** Each is planted into a process of its own by `load-hook.ts`, and must be caught: that proves the checks. */
export const SEEDED_BUGS: readonly SeededBug[] = [
  {
    name: 'reported before it is sent',
    file: 'src/worker/report-sender.ts',
    snippet: '    const result = await this.#provider.sendReport({',
    replacement:
      '    await this.#outcomes.accept({ ...report, ...intent });\n    const result = await this.#provider.sendReport({',
    seed: 2,
  },
  {
    name: 'intent is not stored',
    file: 'src/worker/report-sender.ts',
    snippet: '    const isOurs = await this.#outcomes.change(report, {',
    replacement: '    const isOurs = attempt > 1 || await this.#outcomes.change(report, {',
    seed: 2,
  },
  {
    name: 'resent a day later without asking',
    file: 'src/worker/report-sender.ts',
    snippet: 'now - first < BLIND_RESEND_MS',
    replacement: 'now - first < 100 * BLIND_RESEND_MS',
    seed: 42,
  },
  {
    name: "another worker's attempt is repeated",
    file: 'src/worker/report-sender.ts',
    snippet: "    if (!isOurs) return 'waiting'; // another worker was faster\n",
    replacement: '',
    seed: 22,
  },
  {
    name: 'a fresh identifier for each attempt',
    file: 'src/worker/report-sender.ts',
    snippet: '      slot,\n      identifier,\n      attempt,',
    replacement: '      slot,\n      identifier: identifier + attempt,\n      attempt,',
    seed: 3,
  },
  {
    name: 'a duplicate is taken as proof',
    file: 'src/worker/report-sender.ts',
    snippet: "return await this.#find({ ...report, reason: 'not_counted' });",
    replacement: 'return await this.#outcomes.prove(report);',
    seed: 772,
  },
  {
    name: '429 is final',
    file: 'src/stripe/stripe-outcome.ts',
    snippet: '![401, 403, 409, 429]',
    replacement: '![401, 403, 409]',
    seed: 11,
  },
  {
    name: 'a 5xx is final',
    file: 'src/stripe/stripe-outcome.ts',
    snippet: '    statusCode < 500 &&',
    replacement: '    statusCode < 600 &&',
    seed: 83,
  },
  {
    name: 'a quantity that is not the sealed one',
    file: 'src/stripe/stripe-provider.ts',
    snippet: 'String(quantity)',
    replacement: 'String(quantity + 1)',
    seed: 2,
  },
  {
    name: 'a slot of another unit',
    file: 'src/stripe/stripe-provider.ts',
    snippet: 'timestamp: slot / SECOND_MS',
    replacement: 'timestamp: slot / SECOND_MS + 60',
    seed: 3,
  },
  {
    name: 'nothing is verified',
    file: 'src/worker/verifier.ts',
    snippet: 'return read.quantity === uses.reduce((sum, { quantity }) => sum + quantity, 0);',
    replacement: 'return true;',
    seed: 46,
  },
  {
    name: 'the verifier stops at the first difference',
    file: 'src/worker/verifier.ts',
    snippet: 'due.slice(0, MAX_SINGLE_READS)',
    replacement: 'due.slice(0, 0)',
    seed: 42,
  },
  {
    name: 'what Stripe does not count is given up at once',
    file: 'src/worker/report-outcomes.ts',
    snippet: 'now - since >= patience_ms',
    replacement: 'now - since >= 0',
    seed: 74,
  },
  {
    name: 'a retry without a time',
    file: 'src/worker/report-outcomes.ts',
    snippet: 'due_at: now + wait_ms,\n      // Time',
    replacement: 'due_at: null,\n      // Time',
    seed: 2,
  },
  {
    name: 'keys are claimed and not looked at',
    file: 'src/storage/sqlite/write-batch.ts',
    snippet: "      if (claimed !== 'recorded') return claimed;\n",
    replacement: "      if (claimed === 'conflict') return claimed;\n",
    seed: 8,
  },
  {
    name: "a key's content is not compared",
    file: 'src/storage/sqlite/write-batch.ts',
    snippet: "return row?.['content'] === entry.content ? 'duplicate' : 'conflict';",
    replacement: "return row ? 'duplicate' : 'conflict';",
    seed: 16,
  },
  {
    name: 'only the first event of a batch is counted',
    file: 'src/storage/sqlite/write-batch.ts',
    snippet: '    addition.quantity += entry.quantity;',
    replacement: '    addition.quantity = entry.quantity;',
    seed: 10,
  },
  {
    name: 'free usage is sent',
    file: 'src/worker/report-judge.ts',
    snippet: "    if (hadItems || now >= expiry) return await this.#outcomes.settle(report, 'no_price');",
    replacement:
      "    if (hadItems && account.stripe_customer !== null && this.#stripe) return await this.#stripe.sender.send(report, account.stripe_customer);\n    if (hadItems || now >= expiry) return await this.#outcomes.settle(report, 'no_price');",
    seed: 2,
  },
  {
    name: 'trial usage is sent',
    file: 'src/worker/report-judge.ts',
    snippet: "    if (period.billed_by === 'trial') return await this.#outcomes.settle(report, 'trial');\n",
    replacement: '',
    seed: 14,
  },
  {
    name: 'what is free is kept waiting',
    file: 'src/worker/report-judge.ts',
    snippet: '    if (hadItems || now >= expiry) return',
    replacement: '    if (hadItems && now < 0) return',
    seed: 5,
  },
  {
    name: 'slots outside of the period',
    file: 'src/core/usage-report.ts',
    snippet: 'return { at: minute + MINUTE_MS / 2, shared: false };',
    replacement: 'return { at: minute + MINUTE_MS * 1.5, shared: false };',
    seed: 3,
  },
  {
    name: 'a slot of two reports',
    file: 'src/core/usage-report.ts',
    snippet: 'minute >= firstMinute && taken.has(minute)',
    replacement: 'minute >= firstMinute && taken.has(-minute)',
    seed: 82,
  },
  {
    name: 'slots older than Stripe takes',
    file: 'src/core/usage-report.ts',
    snippet: 'export const MAX_SLOT_AGE_MS = 34 * DAY_MS;',
    replacement: 'export const MAX_SLOT_AGE_MS = 340 * DAY_MS;',
    seed: 5,
  },
  {
    name: 'an event is lost when usage moves',
    file: 'src/storage/ledger.ts',
    snippet: '    run.quantity += quantity;',
    replacement: '    run.quantity += run.event_ids.length > 1 ? 0 : quantity;',
    seed: 6,
  },
  {
    name: 'usage of ended periods stays where it is',
    file: 'src/storage/rehoming.ts',
    snippet: 'return !isHome(report, home) || last >= home.end ||',
    replacement: 'return false &&',
    seed: 6,
  },
  {
    name: 'a poisoned account ends the run',
    file: 'src/worker/report-cycle.ts',
    snippet: '      this.#context.onError(error);',
    replacement: '      throw error;',
    seed: 18,
  },
  {
    name: 'an ended period is sealed a day late',
    file: 'src/storage/closing.ts',
    snippet: "    const hasEnded = eb('billing_period_end', '<=', endedBy(params));",
    replacement: "    const hasEnded = eb('billing_period_end', '<=', endedBy(params) - 86_400_000);",
    seed: 3,
  },
  {
    name: 'the answer to somebody else is taken for one',
    file: 'src/stripe/stripe-provider.ts',
    snippet: 'if (event.identifier === identifier) return',
    replacement: 'if (event.identifier) return',
    seed: 13,
  },
  {
    name: "an event of Stripe's is handled again and again",
    file: 'src/storage/webhook-events.ts',
    snippet: "    .set({ status: 'handled', due_at: null, handled_at: now, last_error: null })",
    replacement: '    .set({ due_at: now + 60_000, last_error: null })',
    seed: 2,
  },
  {
    name: 'subscriptions are read only when Stripe tells of them',
    file: 'src/worker/account-reporter.ts',
    snippet: '      synced_at === null || Math.max(due_at ?? 0, last_occurred_at ?? 0) > synced_at;',
    replacement: '      synced_at === null && Math.max(due_at ?? 0, last_occurred_at ?? 0) > 0;',
    seed: 23,
  },
];
