// `npm run docs:circuits`: writes the table of planned circuits into docs/architecture.md; `-- --check` only compares.
// Circuits are planned, not compiled: a few seconds.
import { planModel } from '@attensor/prover/planning';
import { importCheckpoint, Model } from '@attensor/inference';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { root } from './setup.mjs';

const ROWS = [
  ['nano', 4],
  ['nano', 32],
  ['tiny', 16],
  ['tiny', 32],
  ['tiny', 64],
  ['tiny', 128],
];
const MARKS = ['<!-- circuits: npm run docs:circuits -->', '<!-- /circuits -->'];

async function planned(dir, name, capacity) {
  const modelDir = join(dir, `${name}-${capacity}`);
  await importCheckpoint(join(root, 'models', name), modelDir);
  const { config } = await Model.open(modelDir);
  const { logSize, cells, rows } = await planModel(config, capacity);
  const number = (n) => n.toLocaleString('en-US');
  return `| ${name}, ${capacity} | 2^${logSize} | ${number(cells)} | ${rows.map(number).join(' + ')} |`;
}

const dir = mkdtempSync(join(tmpdir(), 'attensor-docs-'));
try {
  const lines = [
    '| model, capacity | committed size | cells | planned rows of each circuit |',
    '| - | - | - | - |',
  ];
  for (const [name, capacity] of ROWS) lines.push(await planned(dir, name, capacity));
  const file = join(root, 'docs/architecture.md');
  const text = readFileSync(file, 'utf8');
  const [before, rest] = text.split(MARKS[0]);
  const after = rest.split(MARKS[1])[1];
  const table = `${MARKS[0]}\n\n${lines.join('\n')}\n\n${MARKS[1]}`;
  const options = { ...(await resolveConfig(file)), parser: 'markdown' };
  const written = await format(before + table + after, options);
  if (written === text) console.log('docs/architecture.md: up to date');
  else if (process.argv.includes('--check')) {
    console.error(
      'docs/architecture.md: the table of circuits is out of date. Run npm run docs:circuits.',
    );
    process.exitCode = 1;
  } else {
    writeFileSync(file, written);
    console.log('docs/architecture.md: written');
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}
