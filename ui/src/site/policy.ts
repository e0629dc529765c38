/**
 * What the page may load and whom it may ask, as a Content-Security-Policy: an injected script does not run, and what is typed into
 * the page cannot leave it for any address but those of its nodes. The build writes it into the page, and its servers send it.
 */
import { AttensorError } from '@attensor/core';

/** Where the policy stands in `index.html`. */
const META = /<meta\s+http-equiv="Content-Security-Policy"\s+content="[^"]*"\s*\/?>/;

/** Beside `index.html`: the policy for the service worker. */
export const POLICY_FILE = 'policy.js';
/** Beside `index.html`: SHA-256 of each file in `assets/`, for the service worker. */
export const HASHES_FILE = 'asset-hashes.js';
/** As Netlify and Cloudflare Pages read it, and the preview. */
export const HEADERS_FILE = '_headers';

/**
 * The policy of the page as it is built. `attensor page` narrows `connect-src` to the nodes of its site (`cli/src/page-policy.ts`);
 * here it allows whatever a visitor or a link names, over https or on the visitor's own machine.
 *
 * `wasm-unsafe-eval` compiles the proof system's WebAssembly, and `blob:` is where o1js starts its threads from: their code is part
 * of the verifier, and they are held to the same policy.
 */
export const POLICY = Object.entries({
  'default-src': "'none'",
  'script-src': "'self' 'wasm-unsafe-eval'",
  'worker-src': "'self' blob:",
  'style-src': "'self'",
  'img-src': "'self'",
  'connect-src': "'self' https: http://localhost:* http://127.0.0.1:*",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
})
  .map(([name, value]) => `${name} ${value}`)
  .join('; ');

/** Headers of every file of the page. */
export function headersOf(policy: string): Record<string, string> {
  return {
    // shared memory, which the verifier needs
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Content-Security-Policy': policy,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  };
}

/** `_headers`. */
export function headersFile(policy: string): string {
  const lines = Object.entries(headersOf(policy)).map(([name, value]) => `  ${name}: ${value}`);
  return ['/*', ...lines, ''].join('\n');
}

/** The headers that `_headers` gives every file. */
export function parseHeaders(text: string): Record<string, string> {
  const lines = [...text.matchAll(/^\s+([\w-]+): (.*)$/gm)];
  return Object.fromEntries(lines.map(([, name, value]) => [name, value]));
}

/** `policy.js`. */
export const policyScript = (policy: string): string =>
  `self.ATTENSOR_POLICY = ${JSON.stringify(policy)};\n`;

/** `index.html` with this policy instead of the one it has. @throws BAD_FILE */
export function withPolicy(html: string, policy: string): string {
  if (!META.test(html)) {
    throw new AttensorError({
      code: 'BAD_FILE',
      what: 'the page has no place for its Content-Security-Policy',
      where: 'index.html',
      expected: '<meta http-equiv="Content-Security-Policy" content="…">',
      hint: 'Build the page again: `npm run build:ui`',
    });
  }
  // a meta element cannot say who may frame the page, and browsers complain of it
  const content = policy.replace(/; frame-ancestors [^;]*/, '');
  return html.replace(
    META,
    () => `<meta http-equiv="Content-Security-Policy" content="${content}" />`,
  );
}
