// Parts of the build: the page's Content-Security-Policy where a host or a service worker finds it, the hashes of its assets, and
// o1js's OCaml part as a file of its own, because the policy allows no code from strings.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runInNewContext } from 'node:vm';
import {
  HASHES_FILE,
  HEADERS_FILE,
  headersFile,
  headersOf,
  parseHeaders,
  POLICY,
  POLICY_FILE,
  policyScript,
  withPolicy,
} from '../dist/site/policy.js';

/** Vite's development server injects styles and reloads over a socket; o1js is not split there. */
const DEVELOPMENT = POLICY.replace('script-src', "script-src 'unsafe-eval' 'unsafe-inline'")
  .replace('style-src', "style-src 'unsafe-inline'")
  .replace('connect-src', 'connect-src ws:')
  .replace("worker-src 'self'", "worker-src 'self' data:");

export const developmentHeaders = headersOf(DEVELOPMENT);

/** Writes the policy and the hashes into the built page. */
export function siteFiles() {
  let out;
  return {
    name: 'attensor-site-files',
    apply: 'build',
    configResolved: (config) => void (out = config.build.outDir),
    transformIndexHtml: { order: 'post', handler: (html) => withPolicy(html, POLICY) },
    writeBundle() {
      const assets = join(out, 'assets');
      const hashes = readdirSync(assets)
        .sort()
        .map((name) => [
          `assets/${name}`,
          createHash('sha256')
            .update(readFileSync(join(assets, name)))
            .digest('hex'),
        ]);
      const list = JSON.stringify(Object.fromEntries(hashes), null, 2);
      writeFileSync(join(out, HASHES_FILE), `self.ATTENSOR_ASSETS = ${list};\n`);
      writeFileSync(join(out, POLICY_FILE), policyScript(POLICY));
      writeFileSync(join(out, HEADERS_FILE), headersFile(POLICY));
    },
  };
}

/** The preview sends what a host would. */
export function previewHeaders() {
  return {
    name: 'attensor-preview-headers',
    configurePreviewServer({ middlewares, config }) {
      const file = resolve(config.root, config.build.outDir, HEADERS_FILE);
      const headers = parseHeaders(readFileSync(file, 'utf8'));
      middlewares.use((_, response, next) => {
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
        next();
      });
    },
  };
}

const O1JS = /\/o1js\/dist\/web\/index\.js$/;

/** In o1js's OCaml part: code from a string, and the only string that it is called with. */
const EVALUATE = 'function caml_js_eval_string(s){return eval(caml_jsstring_of_string(s))}';
const EVALUATED = '(function(v) { this.value = v; return this })';
const INSTEAD = `function caml_js_eval_string(s){
  if (caml_jsstring_of_string(s) === ${JSON.stringify(EVALUATED)}) return ${EVALUATED};
  throw Error("o1js evaluates a string that the build does not know");
}`;

/**
 * o1js's OCaml part is a string in its bundle, of which it makes a function (`web-backend.js`): here it becomes a file that is
 * imported. It is the same code, and the browser then keeps it compiled.
 */
export function ocamlAsFile() {
  return {
    name: 'attensor-ocaml-as-file',
    apply: 'build',
    transform(code, id) {
      if (!O1JS.test(id.split('?')[0])) return undefined;
      const [call, name = ''] = /new Function\(([\w$]+)\)\(\)/.exec(code) ?? [];
      const start = code.search(new RegExp(`[^\\w$]${name.replaceAll('$', '\\$')}=\``));
      if (call === undefined || start === -1) this.error(UNEXPECTED);
      const open = code.indexOf('`', start);
      const close = endOfTemplate(code, open);
      const source = runInNewContext(code.slice(open, close + 1));
      if (source.split(EVALUATE).length !== 2 || !source.includes(JSON.stringify(EVALUATED)))
        this.error(UNEXPECTED);
      const file = this.emitFile({
        type: 'asset',
        name: 'ocaml.js',
        source: `export default function () {\n${source.replace(EVALUATE, () => INSTEAD)}\n}\n`,
      });
      const imported = `(await import(/* @vite-ignore */ import.meta.ROLLUP_FILE_URL_${file})).default()`;
      const without = `${code.slice(0, open)}""${code.slice(close + 1)}`;
      return { code: without.replace(call, () => imported), map: null };
    },
  };
}

const UNEXPECTED = 'o1js has another form than the build expects: see ui/scripts/site-files.mjs';

/** Where the template literal that begins at `open` ends. */
function endOfTemplate(code, open) {
  for (let i = open + 1; i < code.length; i++) {
    if (code[i] === '\\') i++;
    else if (code[i] === '`') return i;
    else if (code[i] === '$' && code[i + 1] === '{') break;
  }
  throw Error(UNEXPECTED);
}
