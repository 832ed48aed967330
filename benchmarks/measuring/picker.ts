/** Accounts in an order without pattern, the same for every contender (a linear congruential generator). */
export function picker(accounts: readonly string[]): () => string {
  let state = 12_345;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return accounts[state % accounts.length] ?? '';
  };
}
