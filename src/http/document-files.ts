import { referencePage, referenceStyle } from './reference-page.ts';
import type { ServedFile } from './served-file.ts';

const POLICY =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The OpenAPI document, for programs and for people, by path. */
export function documentFiles(openapi: object, base_path: string): ReadonlyMap<string, ServedFile> {
  return new Map([
    ['/openapi.json', fileOf('application/json', JSON.stringify(openapi))],
    ['/reference', fileOf('text/html; charset=utf-8', referencePage(openapi, base_path))],
    ['/reference.css', fileOf('text/css; charset=utf-8', referenceStyle())],
  ]);
}

function fileOf(type: string, body: string): ServedFile {
  return { headers: { 'Content-Type': type, 'Content-Security-Policy': POLICY }, body };
}
