// The table of packages in docs/architecture.md: who may import whom.
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, relative } from 'node:path';
import typescript from 'typescript';
import { files, root } from './setup.mjs';

const readJson = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const { workspaces } = readJson('package.json');
const document = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
const quoted = (text) => [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name);

/** By workspace, the text of the column "may depend on". */
const table = new Map(
  document
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => cells.length === 5 && workspaces.includes(quoted(cells[1])[0]))
    .map((cells) => [quoted(cells[1])[0], cells[3]]),
);

/** What `ui` uses of packages that also need Node: the sentence below the table. */
const [, ofNode, subpaths] = /^Of (.*), `ui` uses only .*: (.*)\.$/m.exec(document);

/** The workspaces that the table lets this one import. */
function allowed(workspace) {
  const text = table.get(workspace);
  if (text === 'all') return workspaces;
  if (text.startsWith('all but')) return workspaces.filter((name) => !quoted(text).includes(name));
  return quoted(text);
}

/** All imports of a workspace's sources: [file, specifier]. */
function imports(workspace) {
  return files(join(root, workspace, 'src'))
    .filter((file) => /\.tsx?$/.test(file))
    .flatMap((file) =>
      typescript
        .preProcessFile(readFileSync(file, 'utf8'), true, true)
        .importedFiles.map(({ fileName }) => [relative(root, file), fileName]),
    )
    .filter(([, name]) => !name.startsWith('.'));
}

const packageOf = (specifier) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
const isNode = (specifier) => specifier.startsWith('node:') || builtinModules.includes(specifier);
const isTest = (file) => /\.test\.ts$|\/testing(\/|\.ts$)/.test(file);
const workspaceOf = (specifier) => packageOf(specifier).replace('@attensor/', '');

describe('the table of packages', () => {
  test('has a row for each workspace', () => {
    expect([...table.keys()].sort()).toEqual([...workspaces].sort());
  });

  test.each(workspaces)('%s imports other workspaces as it says', (workspace) => {
    const may = allowed(workspace);
    const wrong = imports(workspace)
      .filter(([, name]) => name.startsWith('@attensor/'))
      .filter(([, name]) => workspaceOf(name) !== workspace && !may.includes(workspaceOf(name)));
    const excused = workspace === 'ui' ? wrong.filter(([, name]) => !ofUi(name)) : wrong;
    expect(excused).toEqual([]);
  });

  const ofUi = (specifier) =>
    quoted(ofNode).includes(workspaceOf(specifier)) &&
    quoted(subpaths).includes(specifier.slice(packageOf(specifier).length));

  test('what runs in a browser uses nothing of Node', () => {
    expect(table.get('contracts')).toBe("o1js, zod and `core`'s main entry: it runs in a browser");
    const used = imports('contracts').filter(([file]) => !isTest(file));
    expect(new Set(used.map(([, name]) => name))).toEqual(
      new Set(['o1js', 'zod', '@attensor/core']),
    );
    expect(imports('ui').filter(([file, name]) => isNode(name) && !isTest(file))).toEqual([]);
  });
});

test.each(workspaces)('%s declares what it imports', (workspace) => {
  const {
    dependencies = {},
    devDependencies = {},
    optionalDependencies = {},
    peerDependencies = {},
  } = readJson(`${workspace}/package.json`);
  const { dependencies: shared, devDependencies: tools } = readJson('package.json');
  const missing = imports(workspace)
    .filter(([, name]) => !isNode(name))
    .map(([file, name]) => [file, packageOf(name)])
    .filter(([, name]) => name !== `@attensor/${workspace}`)
    .filter(([file, name]) => {
      const forTests = isTest(file) || workspace === 'tests';
      const declared = { ...dependencies, ...optionalDependencies, ...peerDependencies };
      return !(
        name in (forTests ? { ...declared, ...devDependencies, ...shared, ...tools } : declared)
      );
    });
  expect(missing).toEqual([]);
});
