import { HttpError } from './http-error.ts';

const MAX_BODY_BYTES = 1_000_000;
const MAX_DEPTH = 32;

/**
 * Reads a JSON body strictly.
 *
 * @throws HttpError 413 over 1 MB, 415 for anything but plain JSON, 400 for what is no JSON or says a thing twice.
 */
export async function readJson(request: Request): Promise<unknown> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json' || request.headers.has('content-encoding')) {
    const remedy = 'Send it plain, with `Content-Type: application/json`.';
    throw new HttpError(415, 'unsupported_media_type', 'The body is not announced as JSON.', remedy);
  }
  const text = decode(await readBytes(request));
  const value = parse(text);
  if (depthOf(value) > MAX_DEPTH) throw invalidJson('It is nested too deep.');
  if (keysWritten(text) !== keysIn(value)) throw invalidJson('A field is there twice.');
  return value;
}

async function readBytes(request: Request): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > MAX_BODY_BYTES) {
      throw new HttpError(
        413,
        'body_too_large',
        'The body is over 1 MB.',
        'Send less at once, or import a file.',
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalidJson('It is not UTF-8.');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidJson('It cannot be parsed.');
  }
}

function invalidJson(reason: string): HttpError {
  return new HttpError(
    400,
    'invalid_json',
    `The body is not the JSON that is expected. ${reason}`,
    'Correct it.',
  );
}

/** With a stack of its own: nesting must not exhaust ours. */
function depthOf(value: unknown): number {
  let level = [value];
  for (let depth = 0; ; depth += 1) {
    level = level.flatMap((entry) =>
      typeof entry === 'object' && entry !== null ? Object.values(entry) : [],
    );
    if (level.length === 0 || depth > MAX_DEPTH) return depth;
  }
}

/** `JSON.parse` keeps the last of two equal keys without a word. In valid JSON, a string before a colon is a key. */
function keysWritten(text: string): number {
  let keys = 0;
  for (const [, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"\s*(:)?/g)) if (colon !== undefined) keys += 1;
  return keys;
}

function keysIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce<number>((sum, entry) => sum + keysIn(entry), own);
}
