/**
 * What a circuit's permutations take of JavaScript while a proof is made: npm run bench -- witness [permutations] [--json].
 * The same permutations as witnesses by o1js's Poseidon.update, and over states from the native engine; processor seconds, medians of
 * five runs in turn, so that other work on the machine shows in both.
 */
import { Field, Poseidon, Provable, setBackend } from 'o1js';
import { permutationGates } from '@attensor/core/o1js';
import { engine } from '@attensor/native';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const count = Number(positionals[0] ?? 2000);
if (!Number.isInteger(count) || count < 1) {
  console.error(`bench: permutations must be a positive integer, got ${positionals[0]}`);
  process.exit(1);
}
const RUNS = 5;
const nothing = [Field(0), Field(0)];

setBackend('native');
const ways = {
  o1js: (state) => Poseidon.update(state, nothing),
  native: await permutationGates((state) => engine.roundStates(state)),
};

/** Processor seconds, and what came out. */
async function measure(permute) {
  let result;
  const start = process.cpuUsage();
  await Provable.runAndCheck(() => {
    let state = [1n, 2n, 3n].map((v) => Provable.witness(Field, () => Field(v)));
    for (let k = 0; k < count; k++) state = permute(state);
    Provable.asProver(() => (result = state[0].toBigInt()));
  });
  const { user, system } = process.cpuUsage(start);
  return { seconds: (user + system) / 1e6, result };
}

const seconds = { o1js: [], native: [] };
const results = new Set();
for (let run = 0; run < RUNS; run++)
  for (const [name, permute] of Object.entries(ways)) {
    const one = await measure(permute);
    seconds[name].push(one.seconds);
    results.add(one.result);
  }
if (results.size !== 1) throw new Error('bench: the two ways permute to different states');
const median = (xs) => [...xs].sort((a, b) => a - b)[Math.floor(xs.length / 2)];
const [o1js, native] = [median(seconds.o1js), median(seconds.native)];
const machine = `${cpus()[0].model.trim()}, ${cpus().length} cores`;
if (values.json)
  console.log(JSON.stringify({ machine, permutations: count, o1js, native, ratio: o1js / native }));
else {
  console.log(
    `${machine}; ${count} permutations as witnesses, processor seconds, medians of ${RUNS}`,
  );
  console.log(`by Poseidon.update   ${o1js.toFixed(2)}`);
  console.log(
    `over native states   ${native.toFixed(2)}   ${(o1js / native).toFixed(1)} times less`,
  );
}
process.exit(0);
