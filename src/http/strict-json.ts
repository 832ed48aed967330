import { UsageError } from '../core/errors.ts';
import type { BodyDeadline } from './body-deadline.ts';

const MAX_BODY_BYTES = 1_048_576;
export const MAX_DEPTH = 32;

/**
 * Reads a JSON body strictly: what the sender meant is never guessed.
 *
 * @param media_types - what the body may be announced as.
 * @throws UsageError `unsupported_media_type`, `body_too_large`, `request_timeout`, `invalid_json`.
 */
export async function readJson(
  request: Request,
  media_types: readonly string[],
  deadline: BodyDeadline,
): Promise<unknown> {
  const type = mediaTypeOf(request);
  if (type === null || !media_types.includes(type)) {
    const reason = `It is announced as ${type ?? 'nothing'}; the route reads ${media_types.join(', ')}.`;
    throw new UsageError('unsupported_media_type', { field: 'Content-Type', reason });
  }
  return parseJson(await readText(request, deadline));
}

/** What the body is announced as, without its parameters; null = nothing. A charset other than UTF-8 is refused. */
export function mediaTypeOf(request: Request): string | null {
  const [type = '', ...parameters] = (request.headers.get('content-type') ?? '').toLowerCase().split(';');
  for (const parameter of parameters) {
    const charset = /^\s*charset="?([^"\s]*)"?\s*$/.exec(parameter)?.[1];
    if (charset !== undefined && charset !== 'utf-8') {
      throw new UsageError('unsupported_media_type', {
        field: 'Content-Type',
        reason: 'JSON is UTF-8, and nothing else.',
      });
    }
  }
  return type.trim() === '' ? null : type.trim();
}

/** @throws UsageError `invalid_json`. */
export function parseJson(text: string): unknown {
  const { depth, keys } = scan(text);
  if (depth > MAX_DEPTH) throw invalidJson('It is nested too deep.');
  const value = parse(text);
  if (keys !== keysIn(value)) throw invalidJson('A field is there twice.');
  return value;
}

async function readText(request: Request, deadline: BodyDeadline): Promise<string> {
  if (request.headers.has('content-encoding')) {
    const reason = 'Compressed bodies are not read.';
    throw new UsageError('unsupported_media_type', { field: 'Content-Encoding', reason });
  }
  const announced = request.headers.get('content-length');
  if (Number(announced ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  return announced === null ? await readStream(request, deadline) : await readWhole(request, deadline);
}

/** A body whose length was announced, and is held to it by whoever receives it: several times as fast as a stream. */
async function readWhole(request: Request, deadline: BodyDeadline): Promise<string> {
  const bytes = await deadline.within(request.arrayBuffer().catch(unreadable));
  if (bytes === null) throw new UsageError('request_timeout');
  if (bytes.byteLength > MAX_BODY_BYTES) throw tooLarge();
  return decode(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes));
}

async function readStream(request: Request, deadline: BodyDeadline): Promise<string> {
  if (!request.body) return '';
  const reader = request.body.getReader();
  try {
    const text = await deadline.within(readAll(reader));
    if (text === null) throw new UsageError('request_timeout');
    return text;
  } finally {
    // Of a body that is not wanted any more, nothing more is taken in.
    reader.cancel().catch(() => {});
  }
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let bytes = 0;
  for (;;) {
    const part = await reader.read().catch(unreadable);
    if (part.done) return text + decode(() => decoder.decode());
    bytes += part.value.byteLength;
    if (bytes > MAX_BODY_BYTES) throw tooLarge();
    text += decode(() => decoder.decode(part.value, { stream: true }));
  }
}

function unreadable(): never {
  throw invalidJson('It ended before it was complete.');
}

function decode(run: () => string): string {
  try {
    return run();
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

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** How deep a text is nested and how many keys it has, in one pass and without a stack. */
function scan(text: string): { readonly depth: number; readonly keys: number } {
  let [depth, deepest, keys] = [0, 0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x5b || code === 0x7b) {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (code === 0x5d || code === 0x7d) depth -= 1;
    else if (code === QUOTE) {
      at = endOfString(text, at);
      if (isKey(text, at)) keys += 1;
    }
  }
  return { depth: deepest, keys };
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at;
  }
  return text.length;
}

/** In valid JSON, a string before a colon is a key. `JSON.parse` keeps the last of two equal ones without a word. */
function isKey(text: string, end: number): boolean {
  let at = end + 1;
  while (SPACES.has(text.charCodeAt(at))) at += 1;
  return text.charCodeAt(at) === COLON;
}

/** No deeper than was allowed. */
function keysIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce<number>((sum, entry) => sum + keysIn(entry), own);
}

function invalidJson(reason: string): UsageError {
  return new UsageError('invalid_json', { reason });
}

function tooLarge(): UsageError {
  return new UsageError('body_too_large');
}
