/**
 * @module estimate
 * What a proof will take, before anything big starts: sizes from the plan, speed from a short measurement of this machine.
 * The coefficients were fitted to the runs of `npm run bench -- table3`; docs/performance.md says how well.
 */
import { engine } from '@attensor/native';
import { COMPRESSION_COST, LOG_LEAF, treeCompressions } from './commitment/parameters.js';
import type { Segment } from './circuits/planner.js';
import { mul, P } from './protocol/field.js';
import type { Script } from './script.js';
import { joinCount } from './units/joins.js';

/** One step of a proof, by the names of `proof-steps`. */
export interface StepEstimate {
  step: string;
  seconds: number;
}

export interface Estimate {
  /** In the order in which they run; their seconds add up to `seconds`. */
  steps: StepEstimate[];
  circuits: number;
  rows: number[];
  /** entries of the committed vectors */
  witness: number;
  weights: number;
  permutations: number;
  nativeSeconds: number;
  picklesSeconds: number;
  seconds: number;
  weightsSeconds: number;
  peakBytes: number;
  /** Of proving keys and the weights' trees, which stay, and of what an interrupted proof leaves. */
  diskBytes: { keys: number; trees: number; job: number };
}

/** Seconds, on the machine the fit was made on, of what `Speed` measures. */
const REFERENCE: Speed = { permutation: 1.13e-6, product: 160e-9 };
/** the first circuit verifies no proof */
const FIRST_CIRCUIT = 18;
const NEXT_CIRCUIT = 24;
/** per entry of the sumchecks' domain: witness, fractions, reduction */
const PER_ENTRY = 1.4e-6;
const PER_STATE = 1.9e-7;
const FIXED = 1.1;
/** What the witness takes of the time of its entries; the sumchecks take the rest. */
const WITNESS_SHARE = 0.08;
/** per weight: from integers to the committed vector, or to rows */
const PER_WEIGHT = 1e-6;

/** Bytes: a process with the keys of its circuits loaded, and per entry of what the native part holds. */
const KEYS_BYTES = 1.6e9;
const CIRCUIT_BYTES = 1.6e9;
/** On disk: a circuit's keys, and messages with finished circuits. */
const KEY_FILE_BYTES = 0.5e9;
const JOB_BYTES = 4e6;
/** Of both joins of units, of the join of what is joined, and the model's. */
const JOIN_CIRCUITS = 4;

/** Seconds on a machine. */
export interface Speed {
  /** of one of many permutations of the engine, with all threads */
  permutation: number;
  /** of a product of two field elements in JavaScript: circuits are proved by code that uses no vector instructions either */
  product: number;
}

/** Bytes of a process that proves with so many circuits, their keys loaded. */
export const circuitsBytes = (count: number): number => KEYS_BYTES + CIRCUIT_BYTES * count;

/** What is planned. */
export interface Planned {
  script: Script;
  circuits: { segments: Segment[] };
}

/** @param known of this machine; what is not given is measured */
export async function estimate(
  { script, circuits: { segments } }: Planned,
  known: Partial<Speed> = {},
): Promise<Estimate> {
  const { unit, logSize, levels, witness, parameters } = script;
  const { witnessLog } = unit;
  const row = 2 ** (logSize - LOG_LEAF);
  const permutation = known.permutation ?? (await permutationSeconds());
  const circuit = circuitTime(known.product ?? (await productSeconds()));
  const entries = (unit.lookups ? 2 ** witnessLog : 0) + 2 ** logSize;
  const time = (work: Partial<NativeWork>): number =>
    nativeTime(permutation, { permutations: 0, entries: 0, states: 0, ...work });
  const { permutations } = script;
  const nativeSeconds = time({ permutations, entries, states: unit.hashedStates });
  const picklesSeconds = circuit * (segments.length - 1 + FIRST_CIRCUIT / NEXT_CIRCUIT);
  const run = time({});
  const filled = time({ entries: WITNESS_SHARE * entries }) - run;
  const { logDomain } = levels.first.rounds[0];
  const tree = (width: number): number => COMPRESSION_COST * treeCompressions(width, logDomain);
  const commit = tree(witness.widths[0]) * permutation;
  const circuitSeconds = (k: number): number =>
    circuit * (k === 0 ? FIRST_CIRCUIT / NEXT_CIRCUIT : 1);
  const leaves = 2 ** logDomain;
  const weights = parameters.widths.reduce((a, b) => a + b, 0);
  const weightsSeconds =
    parameters.widths.reduce((sum, w) => sum + tree(w), 0) * permutation +
    PER_WEIGHT * weights * row +
    (permutation + PER_WEIGHT) * unit.vocabularyPermutations;
  const native = nativeBytes(script);
  return {
    steps: [
      { step: 'run', seconds: run },
      { step: 'witness', seconds: filled },
      { step: 'commit', seconds: commit },
      { step: 'messages', seconds: nativeSeconds - run - filled - commit },
      ...segments.map((_, k) => ({ step: `circuit-${k}`, seconds: circuitSeconds(k) })),
    ],
    circuits: segments.length,
    rows: segments.map((s) => s.rows),
    witness: witness.widths[0] * row,
    weights: weights * row,
    permutations: script.permutations,
    nativeSeconds,
    picklesSeconds,
    seconds: nativeSeconds + picklesSeconds,
    weightsSeconds,
    peakBytes:
      KEYS_BYTES + native.trees + Math.max(CIRCUIT_BYTES * segments.length, native.working),
    diskBytes: {
      keys: KEY_FILE_BYTES * segments.length,
      trees: treeBytes(leaves) * parameters.widths.length,
      job: JOB_BYTES,
    },
  };
}

/** The proof of a model that is cut into units: each one's steps, joins, and the model's last circuit. Equal units share their keys. */
export async function estimateCut(
  units: readonly Planned[],
  known: Partial<Speed> = {},
): Promise<Estimate> {
  const permutation = known.permutation ?? (await permutationSeconds());
  const product = known.product ?? (await productSeconds());
  const all: Estimate[] = [];
  for (const unit of units) all.push(await estimate(unit, { permutation, product }));
  const of = (pick: (each: Estimate) => number): number =>
    all.reduce((sum, each) => sum + pick(each), 0);
  const joins = joinCount(units.length);
  const circuit = circuitTime(product);
  const names = [...Array.from({ length: joins }, (_, k) => `join-${k}`), 'joined-model'];
  const picklesSeconds = of((each) => each.picklesSeconds) + circuit * names.length;
  const nativeSeconds = of((each) => each.nativeSeconds);
  const programs = new Set(units.map(({ circuits }) => circuits));
  const distinct = [...programs].reduce((sum, { segments }) => sum + segments.length, 0);
  const kept = distinct + JOIN_CIRCUITS;
  return {
    steps: [
      ...all.flatMap(({ steps }, k) =>
        steps.map(({ step, seconds }) => ({ step: `unit-${k} ${step}`, seconds })),
      ),
      ...names.map((step) => ({ step, seconds: circuit })),
    ],
    circuits: of((each) => each.circuits) + names.length,
    rows: all.flatMap(({ rows }) => rows),
    witness: of((each) => each.witness),
    weights: of((each) => each.weights),
    permutations: of((each) => each.permutations),
    nativeSeconds,
    picklesSeconds,
    seconds: nativeSeconds + picklesSeconds,
    weightsSeconds: of((each) => each.weightsSeconds),
    peakBytes: Math.max(
      KEYS_BYTES + CIRCUIT_BYTES * kept,
      ...units.map(({ script }) => provingBytes(script)),
    ),
    diskBytes: {
      keys: KEY_FILE_BYTES * kept,
      trees: of((each) => each.diskBytes.trees),
      job: of((each) => each.diskBytes.job),
    },
  };
}

/** Bytes of a stored tree with so many leaves: of its nodes, but for the leaves' hashes. */
const treeBytes = (leaves: number): number => (32 * leaves) / 7;

/** What the native part of a proof takes of memory, its weights committed: the trees of parts stay, the rest is its peak. */
function nativeBytes(script: Script): { trees: number; working: number } {
  const { unit, logSize, levels, witness, parameters } = script;
  const leaves = 2 ** levels.first.rounds[0].logDomain;
  // weights are read a part at a time, into a buffer
  const integers = script.inParts ? 4 * 2 ** logSize : 0;
  const codeword = (width: number): number => 32 * leaves * (width + 8 / 7);
  const tables = 32 * (6 * 2 ** logSize + 8 * 2 ** unit.witnessLog + unit.hashedStates);
  const [first = 0] = parameters.widths;
  const held = script.hasParameters && !script.inParts ? codeword(first) : 0;
  const proving = codeword(witness.widths[0]) + tables + integers + held;
  // Parts are committed one after the other; their trees stay.
  const trees = script.inParts ? parameters.widths.length * treeBytes(leaves) : 0;
  const committing = script.inParts ? codeword(first) + 32 * 2 ** logSize + integers : 0;
  return { trees, working: Math.max(proving, committing) };
}

/** Bytes of a process while it makes the native part of a proof. Circuits come after it, and their number hardly depends on the unit's size. */
export function provingBytes(script: Script): number {
  const { trees, working } = nativeBytes(script);
  return KEYS_BYTES + trees + working;
}

/** What the native part does. */
export interface NativeWork {
  permutations: number;
  /** of the sumchecks' domains: lookups and reduction */
  entries: number;
  /** field elements of hashed rows' states */
  states: number;
}

/** @param permutation seconds on this machine, with all its threads */
export function nativeTime(
  permutation: number,
  { permutations, entries, states }: NativeWork,
): number {
  const scale = permutation / REFERENCE.permutation;
  return permutations * permutation + scale * (FIXED + PER_ENTRY * entries + PER_STATE * states);
}

/** A circuit's proof, one of many. */
export const circuitTime = (product: number): number =>
  NEXT_CIRCUIT * (product / REFERENCE.product);

/** Of this machine; the best of a few measurements. */
async function best(count: number, work: () => unknown): Promise<number> {
  let seconds = Infinity;
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    await work();
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
  }
  return seconds / count;
}

function permutationSeconds(): Promise<number> {
  const count = 1 << 15;
  const rows = Int32Array.from({ length: 2 * count }, (_, i) => i);
  return best(count, async () => (await engine.hashRows(rows, 2)).dispose());
}

/** Of a product in JavaScript, see `Speed`. */
export function productSeconds(): Promise<number> {
  const count = 1 << 14;
  const factor = P / 3n;
  return best(count, () => {
    let product = P - 1n;
    for (let i = 0; i < count; i++) product = mul(product, factor);
    return product;
  });
}
