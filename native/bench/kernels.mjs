// Microbenchmarks of the engine. Usage: node bench/kernels.mjs [log of the largest vector, 20] [threads]
import { availableParallelism } from 'node:os';
import { engine } from '../dist/index.js';

const log = Number(process.argv[2] ?? 20);
const threads = Number(process.argv[3] ?? availableParallelism());

/** Best of `runs` in seconds. */
async function best(runs, work) {
  let seconds = Infinity;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await work();
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
  }
  return seconds;
}
const line = (name, value) => console.log(`${name.padEnd(64)} ${value}`);
const ints = (n, seed) => Int32Array.from({ length: n }, (_, i) => Math.imul(i + seed, 0x9e3779b1));
const field = (i) => engine.hash([BigInt(i)]);

engine.setThreads(1);
{
  const n = 1 << 14;
  const [a, b] = [engine.fromInts(ints(n, 1)), engine.fromInts(ints(n, 2))];
  const coef = field(1);
  line(
    'Fp product and sum (axpy), one thread',
    `${(((await best(20, () => a.axpy(0, coef, b))) / n) * 1e9).toFixed(1)} ns`,
  );
  line(
    'Fp product, accumulated (dot), one thread',
    `${(((await best(20, () => engine.dot(a, b))) / n) * 1e9).toFixed(1)} ns`,
  );
  const values = ints(2 << 11, 3);
  line(
    'Poseidon permutation, one thread',
    `${(((await best(3, () => engine.hashRows(values, 2))) / (1 << 11)) * 1e6).toFixed(2)} us`,
  );
}

engine.setThreads(threads);
console.log(`threads: ${threads}`);
const n = 1 << log;
const v = engine.fromInts(ints(n, 4));
const w = engine.eqTable(Array.from({ length: log }, (_, i) => field(i)));
line(
  `eqTable 2^${log}`,
  `${((await best(2, () => engine.eqTable(Array.from({ length: log }, (_, i) => field(i))))) * 1e3).toFixed(0)} ms`,
);
line(
  `evalMle 2^${log}`,
  `${(
    (await best(2, () =>
      engine.evalMle(
        v,
        Array.from({ length: log }, (_, i) => field(i)),
      ),
    )) * 1e3
  ).toFixed(0)} ms`,
);
{
  const side = 1 << (log >> 1);
  const weights = engine.eqTable(Array.from({ length: log >> 1 }, (_, i) => field(i)));
  const rows = [
    { size: side, stride: n / side, weights },
    { size: n / side, stride: 1 },
  ];
  const columns = [
    { size: n / side, stride: side },
    { size: side, stride: 1, weights },
  ];
  line(
    `contract 2^${log}, rows summed`,
    `${((await best(2, () => engine.contract(v, 0, rows))) * 1e3).toFixed(0)} ms`,
  );
  line(
    `contract 2^${log}, columns summed`,
    `${((await best(2, () => engine.contract(v, 0, columns))) * 1e3).toFixed(0)} ms`,
  );
}
{
  const xs = Array.from({ length: 90 }, (_, i) => field(i));
  const target = engine.alloc(n >> 4);
  line(
    `addPows 90 terms on 2^${log - 4}`,
    `${((await best(1, () => engine.addPows(target, xs, xs))) * 1e3).toFixed(0)} ms`,
  );
}
{
  const run = async () => {
    const prover = engine.sumcheck([v, w], {
      columns: 2,
      constants: [],
      ops: [[2, 0, 1]],
      degree: 2,
    });
    for (let i = 0; i < log; i++) {
      await prover.round();
      await prover.bind(field(i));
    }
    prover.dispose();
  };
  line(`sumcheck of a product 2^${log}, all rounds`, `${(await best(2, run)).toFixed(3)} s`);
}
{
  const leaves = engine.linear([engine.fromInts(ints(2 * n, 5))], [1n], field(7));
  const num = engine.alloc(2 * n);
  num.addScalar(1n);
  let tree;
  const build = await best(1, async () => (tree = await engine.fractions(num, leaves)));
  const prove = await best(1, async () => {
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
  line(`FractionTree 2^${log + 1}: build`, `${build.toFixed(2)} s`);
  line(`FractionTree 2^${log + 1}: all layers proved`, `${prove.toFixed(2)} s`);
}
{
  const options = { logInvRate: 2, logRow: log - 4, logCap: 4 };
  let commitment;
  const fresh = await best(1, async () => (commitment = await engine.commit(v, options)));
  const tree = await commitment.serializeTree();
  const stored = await best(1, () => engine.commit(v, { ...options, tree }));
  line(`commit 2^${log}, rate 1/4, leaf 16`, `${fresh.toFixed(2)} s`);
  line(`commit 2^${log} from a stored tree (transform only)`, `${stored.toFixed(2)} s`);
}
line(
  'grind 16 bits',
  `${(await best(1, () => engine.grind([1n, 2n, field(3)], 16))).toFixed(2)} s`,
);
