import { createHash, getRandomValues } from 'node:crypto';

/** A key as it is handed out, once, and what is kept of it. */
export interface NewKeyText {
  /** The whole key: `tbk_…`. It is not kept. */
  readonly text: string;
  readonly api_key_id: string;
  readonly secret_sha256: string;
}

const PREFIX = 'tbk_';
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_LENGTH = 16;
/** 190 bits: nobody guesses one. */
const SECRET_LENGTH = 32;
const CHECKSUM_LENGTH = 6;
const SHAPE = new RegExp(
  `^${PREFIX}([0-9A-Za-z]{${ID_LENGTH}})[0-9A-Za-z]{${SECRET_LENGTH + CHECKSUM_LENGTH}}$`,
);

/**
 * Draws a key: a prefix that secret scanners find, an id, a secret, and a checksum by which a mistyped key is told without
 * a look into the database.
 */
export function newKeyText(): NewKeyText {
  const body = PREFIX + randomText(ID_LENGTH) + randomText(SECRET_LENGTH);
  const text = body + checksumOf(body);
  return { text, api_key_id: body.slice(0, PREFIX.length + ID_LENGTH), secret_sha256: digestOf(text) };
}

/** The id of a key that somebody sent; null = it is no key. */
export function readKeyId(text: string): string | null {
  const id = SHAPE.exec(text)?.[1];
  if (id === undefined) return null;
  const body = text.slice(0, -CHECKSUM_LENGTH);
  return checksumOf(body) === text.slice(-CHECKSUM_LENGTH) ? PREFIX + id : null;
}

/** Whether a text can be the id of a key. */
export function isKeyId(value: unknown): value is string {
  return typeof value === 'string' && /^tbk_[0-9A-Za-z]{16}$/.test(value);
}

/** What is kept of a key: it has as much randomness as the digest, so that no slow hash is needed. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function checksumOf(body: string): string {
  const digest = createHash('sha256').update(body).digest();
  return Array.from(digest.subarray(0, CHECKSUM_LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

/** Every character equally likely: bytes beyond the last whole multiple of the alphabet are drawn again. */
function randomText(length: number): string {
  const limit = 256 - (256 % ALPHABET.length);
  let text = '';
  while (text.length < length) {
    for (const byte of getRandomValues(new Uint8Array(length))) {
      if (byte < limit && text.length < length) text += ALPHABET[byte % ALPHABET.length];
    }
  }
  return text;
}
