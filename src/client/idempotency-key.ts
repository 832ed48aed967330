const KEY_BYTES = 16;

/** A key that nobody else has. Not `randomUUID`, which browsers have on secure pages only. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return `client_${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
