/**
 * The main job's figures, against their bounds: npm run bench -- main [--runs 3] [--work .attensor/bench].
 * Every figure comes from the command line tool's own JSON; medians over the runs. The first run on a machine compiles the circuits.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    work: { type: 'string', default: '.attensor/bench' },
    json: { type: 'boolean', default: false },
  },
});
const runs = Number(values.runs);
if (!Number.isInteger(runs) || runs < 1) {
  console.error(`bench: --runs must be a positive integer, got ${values.runs}`);
  process.exit(1);
}
const work = resolve(values.work);
const model = join(work, 'tiny');
const proof = join(work, 'proof.json');
const prompt = 'In the beginning God created';
const capacity = 32;

const attensor = (...args) =>
  JSON.parse(
    execFileSync(process.execPath, ['cli/bin/attensor.js', ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      maxBuffer: 1 << 26,
    }),
  );
const median = (xs) => [...xs].sort((a, b) => a - b)[Math.floor(xs.length / 2)];

mkdirSync(work, { recursive: true });
if (!existsSync(model)) attensor('model', 'import', 'models/tiny', '--out', model);
const committed = attensor('model', 'commit', model, '--capacity', String(capacity));
const firstKeys = attensor('keys', model);
const warmKeys = attensor('keys', model);

const { promptTokens } = attensor('generate', model, '--prompt', prompt, '--max-tokens', '1');
const length = Array.isArray(promptTokens) ? promptTokens.length : promptTokens;
const maxTokens = String(capacity - length);
const proofs = [];
const checks = [];
for (let i = 0; i < runs; i++) {
  rmSync(proof, { force: true });
  proofs.push(
    attensor('prove', model, '--prompt', prompt, '--max-tokens', maxTokens, '--out', proof),
  );
  checks.push(attensor('verify', proof, '--commitment', join(model, 'commitment.json')));
}
const verified = await verifications(proof, 5);
if (![...checks, ...verified].every((c) => c.valid))
  throw new Error('bench: a proof does not verify');

/** Verdicts of one process that has the keys: the first call, which still loads, is left out. */
async function verifications(path, count) {
  const { initializeBindings, setBackend } = await import('o1js');
  setBackend('native');
  await initializeBindings();
  const { parseProofFile, verifyProofFile } = await import('@attensor/prover');
  const file = parseProofFile(readFileSync(path, 'utf8'), path);
  const verdicts = [];
  const commitment = JSON.parse(readFileSync(join(model, 'commitment.json'), 'utf8'));
  for (let i = 0; i <= count; i++) verdicts.push(await verifyProofFile(file, { commitment }));
  return verdicts.slice(1);
}

const of = (name) => median(proofs.map((p) => p[name]));
const GiB = 2 ** 30;
const rows = [
  ['prove: proveSeconds', of('proveSeconds'), 200, 's'],
  ['prove: totalSeconds, cached keys', of('totalSeconds'), 350, 's'],
  ['prove: Pickles proofs', of('pickles'), 8, ''],
  ['prove: peak memory', of('peakRssBytes') / GiB, 14, 'GiB'],
  ['prove: native part', of('nativeSeconds'), 60, 's'],
  ['prove: Pickles part', of('picklesSeconds'), undefined, 's'],
  ['model commit', committed.seconds, 60, 's'],
  ['verify', median(verified.map((c) => c.seconds)), 0.6, 's'],
  ['verify, first in a process', median(checks.map((c) => c.seconds)), undefined, 's'],
  ['proof file', statSync(proof).size / 1000, 40, 'kB'],
  ['keys, first time (cold if never compiled here)', firstKeys.seconds, 480, 's'],
  ['keys, warm', warmKeys.seconds, 150, 's'],
].map(([figure, measured, bound, unit]) => ({
  figure,
  measured: Number(measured.toFixed(2)),
  bound,
  unit,
}));

const machine = `${cpus()[0].model.trim()}, ${cpus().length} cores, ${(totalmem() / GiB).toFixed(0)} GiB`;
if (values.json) console.log(JSON.stringify({ machine, runs, rows, circuitRows: proofs[0].rows }));
else {
  console.log(`${machine}; ${runs} runs, medians; circuit rows ${proofs[0].rows.join(', ')}`);
  for (const { figure, measured, bound, unit } of rows) {
    const limit =
      bound === undefined ? '' : `bound ${bound} ${unit}${measured <= bound ? '' : '  EXCEEDED'}`;
    console.log(`${figure.padEnd(48)} ${String(measured).padStart(9)} ${unit.padEnd(4)} ${limit}`);
  }
}
