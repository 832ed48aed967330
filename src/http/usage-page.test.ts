import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readUsagePage } from './usage-page.ts';

const SHELL =
  '<html><meta name="tallybook-page" content="{}"><script src="./usage/assets/a.js"></script></html>';

function builtPage(shell = SHELL): string {
  const folder = mkdtempSync(join(tmpdir(), 'usage-page-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'usage/assets'), { recursive: true });
  writeFileSync(join(folder, 'index.html'), shell);
  writeFileSync(join(folder, 'usage/assets/a.js'), 'run()');
  writeFileSync(join(folder, 'usage/assets/a.js.map'), 'not for anybody');
  return folder;
}

test('its files are served under their own paths, and nothing else of the folder', () => {
  const files = readUsagePage({}, builtPage());
  expect([...files.keys()].sort()).toEqual(['/usage', '/usage/assets/a.js']);
  expect(files.get('/usage/assets/a.js')).toMatchObject({
    body: 'run()',
    headers: {
      'Content-Type': 'text/javascript; charset=utf-8',
      'Cache-Control': 'public, max-age=31536000, immutable',
    },
  });
});

test('what it is told stays text, whatever it is', () => {
  const title = `"><script>alert(1)</script>'&amp; $& {}`;
  const { body = '' } = readUsagePage({ title }, builtPage()).get('/usage') ?? {};
  expect(body).not.toContain('<script>alert');
  const [, content = ''] = /content="([^"]*)"/.exec(body) ?? [];
  const text = content
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
  expect(JSON.parse(text)).toEqual({ title });
});

test('a page that is not built, or has no place for what it is told, is not served', () => {
  const folder = builtPage('<html></html>');
  expect(() => readUsagePage({}, folder)).toThrow('no place for its settings');
  rmSync(join(folder, 'index.html'));
  expect(() => readUsagePage({}, folder)).toThrow(/not built: run `npm run build:page`/);
});
