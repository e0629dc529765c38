import { expect, test } from '@jest/globals';
import {
  headersFile,
  headersOf,
  parseHeaders,
  POLICY,
  policyScript,
  withPolicy,
} from './policy.js';

test('no script but the own files runs', () => {
  const directives = new Map(POLICY.split('; ').map((part) => [part.split(' ')[0], part]));
  expect(directives.get('default-src')).toBe("default-src 'none'");
  expect(directives.get('script-src')).toBe("script-src 'self' 'wasm-unsafe-eval'");
  expect(directives.get('style-src')).toBe("style-src 'self'");
  for (const name of ['base-uri', 'form-action', 'frame-ancestors'])
    expect(directives.get(name)).toBe(`${name} 'none'`);
});

test('a host reads back the headers that were written', () => {
  expect(parseHeaders(headersFile(POLICY))).toEqual(headersOf(POLICY));
  expect(headersFile(POLICY)).toMatch(/^\/\*\n {2}\S/);
});

test('the page and its service worker carry the policy', () => {
  const policy = `${POLICY}; connect-src https://node.example/$&`;
  const html = '<meta\n  http-equiv="Content-Security-Policy"\n  content="old"\n/><title>';
  const meta = withPolicy(html, policy);
  expect(meta).toContain("connect-src 'self' https:");
  expect(meta).toContain('https://node.example/$&"');
  // browsers warn of it in a meta element
  expect(meta).not.toContain('frame-ancestors');
  expect(withPolicy(meta, policy)).toBe(meta);
  expect(() => withPolicy('<title>', policy)).toThrow(
    expect.objectContaining({ code: 'BAD_FILE', where: 'index.html' }),
  );
  expect(policyScript(policy)).toContain(policy);
});
