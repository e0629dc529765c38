import { expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';

it('the package imports o1js and itself, and uses nothing of Node', () => {
  const folder = new URL('.', import.meta.url);
  const files = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => /(?<!\.test)\.js$/.test(name) && !name.startsWith('testing'));
  expect(files).toContain('index.js');
  expect(files).toContain('ledger/index.js');
  for (const name of files) {
    const text = readFileSync(new URL(name, folder), 'utf8');
    const imports = [...text.matchAll(/\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)];
    for (const [, from] of imports) expect(from).toMatch(/^(o1js|\.\/(?!testing)[\w/-]+\.js)$/);
    expect(text).not.toMatch(/\b(process|Buffer|require|__dirname)\b[.([]/);
  }
});
