import { ERRORS } from '../core/errors.ts';
import { escapeHtml } from './html-text.ts';
import { remedyOf } from './remedies.ts';
import { errorCodes } from './wire/common.ts';

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses?: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: object;
}

type Content = Readonly<Record<string, { readonly schema?: object }>>;

/** The parts of a document that the page shows. */
interface Document {
  readonly info?: { readonly title?: string; readonly description?: string };
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, object>> };
}

/**
 * The OpenAPI document as a page that needs no script and nothing from elsewhere. Its links are relative: a mount may take
 * off what stands before its path.
 */
export function referencePage(openapi: object, base_path: string): string {
  const { info, paths = {}, components }: Document = openapi;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path: base_path + path, operation })),
  );
  const links = operations.map(
    ({ method, path, operation }) =>
      `<li><a href="#${escapeHtml(operation.operationId ?? '')}"><b>${method.toUpperCase()}</b> ${escapeHtml(path)}</a></li>`,
  );
  const sections = operations.map(operationSection);
  const schemas = Object.entries(components?.schemas ?? {}).map(
    ([name, schema]) =>
      `<section id="schema-${escapeHtml(name)}"><h3>${escapeHtml(name)}</h3>${schemaText(schema)}</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(info?.title ?? '')} HTTP API</title>
<link rel="stylesheet" href="./reference.css">
</head>
<body>
<header><h1>${escapeHtml(info?.title ?? '')} HTTP API</h1>
<p>${escapeHtml(info?.description ?? '')} The same as a document: <a href="./openapi.json">OpenAPI 3.1</a>.</p></header>
<nav aria-label="Routes"><ul>${links.join('\n')}</ul></nav>
<main>
${sections.join('\n')}
<h2>Errors</h2>
${errorTable()}
<h2>Schemas</h2>
${schemas.join('\n')}
</main>
</body>
</html>
`;
}

interface ShownOperation {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

function operationSection({ method, path, operation }: ShownOperation): string {
  const { operationId = '', summary = '', description, parameters = [], requestBody, responses } = operation;
  const parameterRows = parameters.map(
    ({ name, required, description: meaning = '' }) =>
      `<tr><td><code>${escapeHtml(name)}</code></td><td>${required ? 'required' : 'optional'}</td><td>${escapeHtml(meaning)}</td></tr>`,
  );
  const answers = Object.entries(responses ?? {}).map(
    ([status, { description: meaning, content }]) =>
      `<tr><td>${escapeHtml(status)}</td><td>${paragraphs(meaning)}${contentText(status < '300' ? content : undefined)}</td></tr>`,
  );
  return `<section id="${escapeHtml(operationId)}">
<h2>${escapeHtml(summary)}</h2>
<p class="route"><b>${method.toUpperCase()}</b> <code>${escapeHtml(path)}</code></p>
<p>${escapeHtml(accessText(operation))}</p>
${description === undefined ? '' : paragraphs(description)}
${parameters.length === 0 ? '' : `<h3>Parameters</h3><table>${parameterRows.join('')}</table>`}
${requestBody === undefined ? '' : `<h3>Body</h3>${contentText(requestBody.content)}`}
<h3>Answers</h3><table>${answers.join('')}</table>
</section>`;
}

function accessText({ security = [] }: Operation): string {
  const scopes = security.flatMap(({ api_key = [] }) => api_key);
  if (scopes.length === 0) return 'Needs no key.';
  const token = security.some((scheme) => 'browser_token' in scheme) ? ', or a browser token' : '';
  return `Needs a key with the scope ${scopes.join(', ')}${token}.`;
}

function contentText(content: Content | undefined): string {
  return Object.entries(content ?? {})
    .map(([type, { schema }]) => `<p><code>${escapeHtml(type)}</code></p>${schema ? schemaText(schema) : ''}`)
    .join('');
}

/** The schema as JSON, with what it refers to as links. */
function schemaText(schema: object): string {
  const json = escapeHtml(JSON.stringify(schema, null, 2));
  return `<pre tabindex="0">${json.replaceAll(
    /#\/components\/schemas\/(\w+)/g,
    (ref, name: string) => `<a href="#schema-${name}">${ref}</a>`,
  )}</pre>`;
}

function errorTable(): string {
  const rows = errorCodes.map((code) => {
    const { status, meaning } = ERRORS[code];
    return `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${escapeHtml(meaning)}</td><td>${escapeHtml(remedyOf(code))}</td></tr>`;
  });
  const heads = ['code', 'status', 'what it means', 'what to do'].map(
    (head) => `<th scope="col">${head}</th>`,
  );
  return `<table><thead><tr>${heads.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function paragraphs(text: string): string {
  return text
    .split('\n\n')
    .map((part) => `<p>${escapeHtml(part)}</p>`)
    .join('');
}

export function referenceStyle(): string {
  return `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 0 auto; padding: 1.5rem; }
nav ul { list-style: none; padding: 0; columns: 20rem; }
section { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding-top: .5rem; margin-top: 2rem; }
pre { overflow: auto; max-height: 30rem; padding: .75rem; border-radius: .5rem; background: color-mix(in srgb, currentColor 7%, transparent); }
code, pre { font: .875rem/1.5 ui-monospace, monospace; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: start; vertical-align: top; padding: .25rem .75rem .25rem 0; }
td p { margin: 0 0 .25rem; }
`;
}
