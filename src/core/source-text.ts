/** A value as TypeScript source: `'pro'`, `{ up_to: 'inf', unit_amount_decimal: '1.5' }`. */
export function literal(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  const entries = Object.entries(value).map(([key, entry]) => `${bareKey(key)}: ${literal(entry)}`);
  return `{ ${entries.join(', ')} }`;
}

/** A name as the key of an object. */
export function bareKey(name: string): string {
  return /^[A-Za-z_][\w]*$/.test(name) ? name : quoted(name);
}

/** A text that stays in its line: what others wrote must not end a comment. */
export function commentText(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
}

function quoted(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  // Line separators and characters that reorder text on a screen are written as what they are.
  return `'${escaped.replaceAll(/[\p{Cf}\p{Zl}\p{Zp}]/gu, escapedCode)}'`;
}

function escapedCode(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
