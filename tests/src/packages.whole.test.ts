/**
 * The packages as npm packs them, in a project of somebody else: types, licence, and the first steps of the tutorial, without the
 * addon and with the one that is built there.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** In the order of their dependencies. */
const PACKAGES = [
  ...['core', 'native', 'inference', 'contracts', 'prover'],
  ...['chain', 'local-node', 'cli'],
];
const PROOF = join(ROOT, 'models/tiny/proof.json');
/** Of the circuits that PROOF was made with: whoever verifies must know it from elsewhere. */
const KEY_HASH = '14035757058421901653994005468202823742195594662001019622589561322062783582796';

let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'attensor-packages-'));
  const tarballs = join(project, 'tarballs');
  mkdirSync(tarballs);
  const packed = execFileSync(
    'npm',
    ['pack', '--json', '--pack-destination', tarballs, ...PACKAGES.map((name) => `./${name}`)],
    { cwd: ROOT, encoding: 'utf8' },
  );
  const files = JSON.parse(packed.slice(packed.indexOf('['))) as {
    name: string;
    filename: string;
  }[];
  const dependencies = Object.fromEntries(
    files.map(({ name, filename }) => [name, `file:tarballs/${filename}`]),
  );
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ name: 'dapp', version: '1.0.0', private: true, type: 'module', dependencies }),
  );
  npm('install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund');
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

function npm(...args: string[]): void {
  execFileSync('npm', args, { cwd: project, stdio: ['ignore', 'ignore', 'inherit'] });
}

function attensor(...args: string[]) {
  const ran = spawnSync('npx', ['--no-install', 'attensor', ...args, '--json'], {
    cwd: project,
    encoding: 'utf8',
  });
  return { status: ran.status, json: JSON.parse(ran.stdout) as Record<string, unknown> };
}

const installed = (name: string, ...path: string[]) =>
  join(project, 'node_modules/@attensor', name, ...path);

describe('a package', () => {
  it.each(PACKAGES)('%s has types, a README, its licence, and no tests', (name) => {
    const manifest = JSON.parse(readFileSync(installed(name, 'package.json'), 'utf8')) as {
      private?: boolean;
      license: string;
      types: string;
    };
    expect(manifest.private).toBeUndefined();
    expect(manifest.license).toBe('Apache-2.0');
    for (const file of [manifest.types, 'README.md', 'LICENSE']) {
      expect(existsSync(installed(name, file))).toBe(true);
    }
    const inside = execFileSync('find', [installed(name), '-name', '*.test.*'], {
      encoding: 'utf8',
    });
    expect(inside).toBe('');
  });

  it.each(PACKAGES)('%s depends on the other tarballs, each installed once', (name) => {
    expect(existsSync(installed(name, 'node_modules/@attensor'))).toBe(false);
  });
});

describe('without the addon', () => {
  it('imports a model', () => {
    const { status, json } = attensor(
      'model',
      'import',
      join(ROOT, 'models/tiny'),
      '--out',
      'tiny',
    );
    expect(json).toMatchObject({ tensors: expect.any(Number) });
    expect(status).toBe(0);
  });

  it('generates with the reference engine', () => {
    const [{ prompt_ids: prompt, continuation_ids: tokens }] = references();
    writeFileSync(
      join(project, 'generate.mjs'),
      `import { generate, Model } from '@attensor/inference';
       const model = await Model.open('tiny');
       const tokens = await generate(model, ${JSON.stringify(prompt)}, 2, { engine: 'reference' });
       console.log(JSON.stringify(tokens));`,
    );
    const out = execFileSync(process.execPath, ['generate.mjs'], { cwd: project });
    expect(JSON.parse(out.toString())).toEqual(tokens.slice(0, 2));
  });

  it('says that the command needs it to generate', () => {
    const { status, json } = attensor('generate', 'tiny', '--prompt', 'a', '--max-tokens', '1');
    expect(json).toMatchObject({ error: { code: 'ENGINE_UNAVAILABLE' } });
    expect(status).toBe(3);
  });

  it('verifies a proof file, and its answer', () => {
    const trusted = ['--verifier-key-hash', KEY_HASH];
    const options = [...trusted, '--prompt', 'In the beginning God created', '--tokenizer', 'tiny'];
    const { status, json } = attensor('verify', PROOF, ...options);
    expect(json).toMatchObject({ valid: true });
    expect(status).toBe(0);
    const changed = JSON.parse(readFileSync(PROOF, 'utf8')) as { statement: { inputHash: string } };
    changed.statement.inputHash = '1';
    writeFileSync(join(project, 'changed.json'), JSON.stringify(changed));
    expect(attensor('verify', 'changed.json', ...trusted)).toMatchObject({
      status: 2,
      json: { valid: false },
    });
  });
});

it('builds the addon when it is installed, and generates with it', () => {
  npm('rebuild', '@attensor/native');
  const { json } = attensor(
    ...['generate', 'tiny', '--prompt', 'In the beginning God created', '--max-tokens', '16'],
  );
  const { text } = JSON.parse(readFileSync(PROOF, 'utf8')) as { text: { output: string } };
  expect(json).toMatchObject({ text: text.output });
});

function references() {
  const path = join(ROOT, 'models/tiny/reference.json');
  const { prompts } = JSON.parse(readFileSync(path, 'utf8')) as {
    prompts: { prompt_ids: number[]; continuation_ids: number[] }[];
  };
  return prompts;
}
