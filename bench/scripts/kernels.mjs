// Microbenchmarks of the engine. Usage:
// npm run bench -- kernels [log of the largest vector, 20] [threads] [--all | --json]
//   --all runs itself under every instruction set the CPU has, and prints the ratio of the last to scalar code (adx).
// npm run bench -- kernels --baseline | --refresh-baseline
//   compares with bench/baseline.json (see bench/src/baseline.ts) and fails if a kernel became slower, or writes the file anew.
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { engine } from '@attensor/native';
import {
  compare,
  ratiosOf,
  readBaseline,
  REFERENCE,
  TOLERANCE,
  writeBaseline,
} from '../dist/baseline.js';

const options = process.argv.slice(2).filter((a) => a.startsWith('--'));
const [log, threads] = [20, availableParallelism()].map((standard, i) =>
  Number(process.argv.slice(2).filter((a) => !a.startsWith('--'))[i] ?? standard),
);
const SETS = ['portable', 'adx', 'avx2', 'ifma'];

/** Milliseconds; of the processor's time, what others make a thread wait does not count. */
const now = options.includes('--cpu-time')
  ? () => Object.values(process.cpuUsage()).reduce((a, b) => a + b) / 1000
  : () => performance.now();

/** Best time in seconds of as many runs as fit into a third of a second, at least one: others may use the machine, too. */
async function best(work) {
  let seconds = Infinity;
  const end = performance.now() + 333;
  do {
    const start = now();
    await work();
    seconds = Math.min(seconds, (now() - start) / 1000);
  } while (performance.now() < end);
  return seconds;
}
const ints = (n, seed) => Int32Array.from({ length: n }, (_, i) => Math.imul(i + seed, 0x9e3779b1));
const field = (i) => engine.hash([BigInt(i)]);
const fields = (count, seed) => Array.from({ length: count }, (_, i) => field(seed + i));

/** A line of the table; a rate counts more as better, a time less. */
const time = (name, unit, value) => ({ name, unit, value, rate: false });
const rate = (name, unit, value) => ({ name, unit, value, rate: true });

/** In the first two cache levels, on one thread. */
async function* arithmetic() {
  engine.setThreads(1);
  const n = 1 << 13;
  const [a, b] = [engine.fromInts(ints(n, 1)), engine.fromInts(ints(n, 2))];
  const coef = field(1);
  const ns = (seconds) => (seconds / n) * 1e9;
  yield time('Fp product, accumulated', 'ns', ns(await best(() => engine.dot(a, b))));
  yield time('Fp product and sum', 'ns', ns(await best(() => a.axpy(0, coef, b))));
  const rows = 1 << 8;
  const values = ints(2 * rows, 3);
  const seconds = await best(() => engine.hashRows(values, 2));
  yield time('Poseidon permutation', 'us', (seconds / rows) * 1e6);
  const children = engine.fromInts(ints(8 * rows, 4));
  const compress = await best(async () => (await engine.compress(children)).dispose());
  yield time('Poseidon2 compression, 8 to 1', 'us', (compress / rows) * 1e6);
  const trace = await best(async () => (await engine.compressionTrace(children)).dispose());
  yield time('Poseidon2 compression, traced', 'us', (trace / rows) * 1e6);
}

async function* tables(v, n) {
  const point = fields(log, 0);
  const millions = (seconds, count = n) => count / seconds / 1e6;
  yield rate('eqTable', 'M/s', millions(await best(() => engine.eqTable(point).dispose())));
  yield rate('evalMle', 'M/s', millions(await best(() => engine.evalMle(v, point))));
  const side = 1 << (log >> 1);
  const weights = engine.eqTable(point.slice(0, log >> 1));
  const rows = [
    { size: side, stride: n / side, weights },
    { size: n / side, stride: 1 },
  ];
  const columns = [
    { size: n / side, stride: side },
    { size: side, stride: 1, weights },
  ];
  const contract = (axes) => best(async () => (await engine.contract(v, 0, axes)).dispose());
  yield rate('contract, rows summed', 'M/s', millions(await contract(rows)));
  yield rate('contract, columns summed', 'M/s', millions(await contract(columns)));
  const [terms, target] = [fields(90, 0), engine.alloc(n >> 4)];
  const seconds = await best(() => engine.addPows(target, terms, terms));
  yield rate('addPows, products of 90 terms', 'M/s', millions(seconds, 90 * target.length));
}

/** All rounds; bytes of the columns as they are given. */
async function sumcheck(columns, expression) {
  const seconds = await best(async () => {
    const prover = engine.sumcheck(columns, expression);
    for (let i = 0; i < log; i++) {
      await prover.round();
      await prover.bind(field(i));
    }
    prover.dispose();
  });
  return (columns.length * columns[0].length * 32) / seconds / 1e9;
}

/** Weights that stay integers; the same work on elements is `contract`, and one field product for each weight and point. */
async function* integers() {
  // at least 2^20, beside which tables of powers are short
  const size = Math.max(log, 20);
  const n = 1 << size;
  const weights = ints(n, 6).map((x) => x >> 16);
  const side = 1 << (size >> 1);
  const table = engine.eqTable(fields(size >> 1, 0));
  const ns = (seconds) => (seconds / n) * 1e9;
  const rows = [
    { size: side, stride: n / side, weights: table },
    { size: n / side, stride: 1 },
  ];
  const columns = [
    { size: n / side, stride: side },
    { size: side, stride: 1, weights: table },
  ];
  for (const [what, axes] of [
    ['rows', rows],
    ['columns', columns],
  ])
    yield time(
      `integers of 16 bits, ${what} summed, a weight`,
      'ns',
      ns(await best(async () => (await engine.contractInts(weights, 0, axes)).dispose())),
    );
  const xs = fields(58, 9);
  for (const [what, turns] of [
    ['at 58 points', 1],
    ['at 58 cosets of 8', 8],
  ])
    yield time(
      `integers of 16 bits ${what}, a weight`,
      'ns',
      ns(await best(async () => (await engine.evalRows(weights, 16, n / 16, turns, xs)).dispose())),
    );
}

async function* sumchecks(v, w) {
  const product = { columns: 2, constants: [], ops: [[2, 0, 1]], degree: 2 };
  yield rate('sumcheck of a product', 'GB/s', await sumcheck([v, w], product));
  // c0 (c1 c2 - c3) + c4 c0 (c1 - c5) c2
  const batch = {
    columns: 4,
    constants: fields(2, 50),
    ops: [
      [2, 1, 2], // 6
      [1, 6, 3],
      [2, 0, 7], // 8
      [1, 1, 5],
      [2, 0, 9],
      [2, 10, 2], // 11
      [2, 11, 4],
      [0, 8, 12],
    ],
    degree: 3,
  };
  yield rate('sumcheck of degree 3, two sums', 'GB/s', await sumcheck([v, w, v, w], batch));
}

async function* fractions(n) {
  const den = engine.linear([engine.fromInts(ints(n, 5))], [1n], field(7));
  const num = engine.alloc(n);
  num.addScalar(1n);
  let tree;
  const build = await best(async () => {
    tree?.dispose();
    tree = await engine.fractions(num, den);
  });
  const prove = await best(async () => {
    let point = [];
    for (let k = 0; k < tree.depth; k++) {
      tree.beginLayer(k, point, field(k));
      const rho = [];
      for (let j = 0; j < k; j++) {
        await tree.round();
        rho.push(field(100 + j));
        await tree.bind(rho[j]);
      }
      tree.finals();
      point = [field(200 + k), ...rho];
    }
  });
  tree.dispose();
  yield rate('LogUp fractions, tree', 'M/s', n / build / 1e6);
  yield rate('LogUp fractions, all layers', 'M/s', n / prove / 1e6);
}

async function* commitments(v, n) {
  const options = { logInvRate: 2, logRow: log - 4, logCap: 4 };
  let commitment;
  const fresh = await best(async () => {
    commitment?.dispose();
    commitment = await engine.commit(v, options);
  });
  const tree = await commitment.serializeTree();
  commitment.dispose();
  const encode = await best(async () => (await engine.commit(v, { ...options, tree })).dispose());
  yield rate('encode (tree stored), codeword entries', 'M/s', (4 * n) / encode / 1e6);
  yield rate('commit, rate 1/4, leaves of 16', 'M/s', n / fresh / 1e6);
  const { logInvRate, logRow } = options;
  const compressed = await best(async () =>
    (await engine.commitTree(v, { logInvRate, logRow })).dispose(),
  );
  yield rate('commitTree, rate 1/4, leaves of 16', 'M/s', n / compressed / 1e6);
  const bits = 12;
  // the smallest nonce is the same everywhere
  yield time(
    `grind ${bits} bits`,
    'ms',
    (await best(() => engine.grind([1n, 2n, field(3)], bits))) * 1e3,
  );
}

async function* kernels() {
  yield* arithmetic();
  engine.setThreads(threads);
  const n = 1 << log;
  const v = engine.fromInts(ints(n, 4));
  const w = engine.eqTable(fields(log, 0));
  yield* tables(v, n);
  yield* integers();
  yield* sumchecks(v, w);
  yield* fractions(n);
  yield* commitments(v, n);
}

const figure = (x) => (x < 10 ? x.toFixed(2) : x.toFixed(1));
const head = `log ${log}, ${threads} threads (arithmetic: one)`;

/** In a process of its own, with the kernels of one instruction set, or the best below it that the CPU has. */
const measure = (set, ...args) =>
  JSON.parse(
    execFileSync(
      process.execPath,
      [fileURLToPath(import.meta.url), ...args.map(String), '--json'],
      { env: { ...process.env, ATTENSOR_ISA: set }, encoding: 'utf8' },
    ),
  );
const measureForBaseline = (set, sizes) => measure(set, sizes.log, sizes.threads, '--cpu-time');

/** Of the machine's instruction sets, up to the best. */
const ownSets = () => SETS.slice(0, SETS.indexOf(engine.instructionSet()) + 1);

/** Short vectors on one thread, whose time on the processor is counted: kernels rather than memory and schedulers. */
const BASELINE_SIZES = { log: 14, threads: 1 };

async function compareWithBaseline() {
  const baseline = await readBaseline();
  const set = engine.instructionSet();
  const compared = compare(baseline, set, measureForBaseline(set, baseline));
  console.log(`${set}, in units of '${REFERENCE}': times of the baseline's`);
  for (const { name, factor, slow } of compared)
    console.log(`${name.padEnd(46)}${factor.toFixed(2).padStart(10)}${slow ? '  SLOWER' : ''}`);
  const slower = compared.filter(({ slow }) => slow).length;
  console.log(`${slower} of ${compared.length} kernels take more than ${TOLERANCE} times as long`);
  process.exitCode = slower === 0 ? 0 : 1;
}

/** Of the instruction sets that this machine has; the others stay. */
async function refreshBaseline() {
  const instructionSets = await readBaseline().then(
    (baseline) => baseline.instructionSets,
    () => ({}),
  );
  const revision = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' });
  for (const set of ownSets()) {
    const ratios = ratiosOf(measureForBaseline(set, BASELINE_SIZES));
    const [{ model: processor }] = cpus();
    instructionSets[set] = { processor, revision: revision.trim(), ratios };
  }
  await writeBaseline({ ...BASELINE_SIZES, instructionSets });
}

/** The CPU's instruction sets beside each other. */
function measureAll() {
  const results = SETS.map((set) => measure(set, log, threads));
  const [scalar, last] = [results[SETS.indexOf('adx')], results[SETS.length - 1]];
  const cells = (name, values) => name.padEnd(46) + values.map((x) => x.padStart(10)).join('');
  console.log(cells(head, [...SETS, 'to adx']));
  for (const [i, { name, unit, rate }] of last.entries()) {
    const ratio = rate ? last[i].value / scalar[i].value : scalar[i].value / last[i].value;
    const values = results.map((r) => figure(r[i].value));
    console.log(cells(`${name}, ${unit}`, [...values, `${ratio.toFixed(1)} x`]));
  }
}

async function measureHere() {
  const lines = [];
  if (!options.includes('--json')) console.log(head);
  for await (const line of kernels()) {
    lines.push(line);
    if (!options.includes('--json'))
      console.log(`${`${line.name}, ${line.unit}`.padEnd(46)}${figure(line.value).padStart(10)}`);
  }
  if (options.includes('--json')) console.log(JSON.stringify(lines));
}

if (options.includes('--baseline')) await compareWithBaseline();
else if (options.includes('--refresh-baseline')) await refreshBaseline();
else if (options.includes('--all')) measureAll();
else await measureHere();
