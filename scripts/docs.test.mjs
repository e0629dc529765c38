// What documents name must be there: files, folders, links with their headings, npm scripts.
import { describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { files, root } from './setup.mjs';

const { workspaces, scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const workspaceScripts = (name) =>
  JSON.parse(readFileSync(join(root, name, 'package.json'), 'utf8')).scripts ?? {};

const documents = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs')).map((name) => join('docs', name)),
  ...workspaces.flatMap((name) => readdirSync(join(root, name)).map((file) => join(name, file))),
  'native/cuda/README.md',
].filter((path) => path.endsWith('.md'));
const text = new Map(documents.map((path) => [path, readFileSync(join(root, path), 'utf8')]));

/** All sources, as `/prover/src/store.ts`. */
const sources = [
  ...workspaces.flatMap((name) => sourceFiles(name)),
  ...files(join(root, 'scripts')),
]
  .map((file) => relative(root, file))
  .map((path) => `/${path}`);

function sourceFiles(workspace) {
  const built = ['node_modules', 'dist', 'build', 'site', 'generated'];
  return readdirSync(join(root, workspace), { withFileTypes: true })
    .filter(({ name }) => !built.includes(name))
    .flatMap((entry) => {
      const path = join(root, workspace, entry.name);
      return entry.isDirectory() ? files(path) : [path];
    });
}

/** `fp.{h,cc}` is two. */
function expand(path) {
  const braces = /\{([^}]*)\}/.exec(path);
  if (braces === null) return [path];
  return braces[1].split(',').flatMap((part) => expand(path.replace(braces[0], part.trim())));
}

/** A name with a place for something, or of something that is built. */
const isPattern = (path) => /[<>*…$]/.test(path) || path.startsWith('native/build/');
const SOURCE = /\w\.(tsx?|mjs|cc|cu|cuh|h)$/;

/** Files that a document tells its reader to write. */
const OF_THE_READER = ['check.mjs', 'something.cu'];

/** In code of a document at `at`: paths from the root, from there or from its workspace, and sources by the end of their path. */
function missingPaths(at, markdown) {
  const folders = [...workspaces, 'docs', 'scripts', 'models'];
  const words = [...markdown.matchAll(/`([^`\n]+)`/g)].flatMap(([, code]) => code.split(/\s+/));
  return words
    .filter((word) => !isPattern(word) && !OF_THE_READER.includes(word))
    .flatMap(expand)
    .filter((path) => {
      const fromRoot = folders.some((folder) => path.startsWith(`${folder}/`));
      if (!fromRoot && !SOURCE.test(path)) return false;
      const bases = ['.', dirname(at), at.split('/')[0]];
      if (bases.some((base) => existsSync(join(root, base, path)))) return false;
      return fromRoot || !sources.some((source) => source.endsWith(`/${path}`));
    });
}

/** The anchor that GitHub gives a heading. */
const anchor = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[`*]/g, '')
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

function brokenLinks(path, markdown) {
  const links = [...markdown.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
  return links
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file, fragment] = target.split('#');
      const at = file === '' ? join(root, path) : join(root, dirname(path), file);
      if (!existsSync(at)) return true;
      if (fragment === undefined) return false;
      const headings = [...readFileSync(at, 'utf8').matchAll(/^#+ (.*)$/gm)];
      return !headings.some(([, heading]) => anchor(heading) === fragment);
    });
}

function missingScripts(markdown) {
  return [...markdown.matchAll(/npm run ([\w:-]+)([^\n`;]*)/g)]
    .filter(([, name, rest]) => {
      const workspace = /(?:--workspace|-w) ([\w-]+)/.exec(rest)?.[1];
      return !(name in (workspace === undefined ? scripts : workspaceScripts(workspace)));
    })
    .map(([line]) => line.trim());
}

describe.each(documents)('%s', (path) => {
  const markdown = text.get(path);
  test('names files and folders that exist', () => {
    expect(missingPaths(path, markdown)).toEqual([]);
  });
  test('links to files and headings that exist', () => {
    expect(brokenLinks(path, markdown)).toEqual([]);
  });
  test('names npm scripts that exist', () => {
    expect(missingScripts(markdown)).toEqual([]);
  });
});

describe('these checks', () => {
  test('find what is not there', () => {
    const good = '`scripts/docs.test.mjs`, `store.ts`, `native/src/prover/fp.{h,cc}`, `<name>.ts`';
    expect(missingPaths('README.md', good)).toEqual([]);
    const bad = '`scripts/none.mjs` and `no-such-file.ts` or `native/src/prover/fp.{h,rs}`';
    expect(missingPaths('README.md', bad)).toEqual([
      'scripts/none.mjs',
      'no-such-file.ts',
      'native/src/prover/fp.rs',
    ]);
    const links = '[a](docs/none.md) [b](docs/architecture.md#packages) [c](docs/protocol.md#no)';
    expect(brokenLinks('README.md', links)).toEqual(['docs/none.md', 'docs/protocol.md#no']);
    expect(missingScripts('npm run lint; npm run none --workspace native')).toEqual([
      'npm run none --workspace native',
    ]);
  });
});
