import { expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';

const HERE = new URL('.', import.meta.url);
const CORE = new URL('../../core/dist/index.js', import.meta.url);

/** Checks a file, and returns what it imports. */
function importsOf(file: URL): string[] {
  const text = readFileSync(file, 'utf8');
  expect(text).not.toMatch(/\b(process|Buffer|require|__dirname)\b[.([]/);
  const imports = text.matchAll(/\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g);
  return [...imports].map(([, from]) => from);
}

it("the package imports o1js, zod, core's main entry and itself, and uses nothing of Node", () => {
  const files = readdirSync(HERE, { recursive: true })
    .map(String)
    .filter((name) => /(?<!\.test)\.js$/.test(name) && !name.startsWith('testing'));
  expect(files).toContain('index.js');
  expect(files).toContain('ledger/index.js');
  for (const name of files)
    for (const from of importsOf(new URL(name, HERE)))
      expect(from).toMatch(/^(o1js|zod|@attensor\/core|\.{1,2}\/(?!testing)[\w/-]+\.js)$/);
});

it("core's main entry uses nothing of Node, and no other package", () => {
  const seen = new Set<string>();
  const visit = (file: URL): void => {
    if (seen.has(file.href)) return;
    seen.add(file.href);
    for (const from of importsOf(file)) {
      expect([file.pathname, from]).toEqual([file.pathname, expect.stringMatching(/^\.{1,2}\//)]);
      visit(new URL(from, file));
    }
  };
  visit(CORE);
  expect(seen.size).toBeGreaterThan(1);
});
