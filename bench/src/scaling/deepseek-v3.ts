/**
 * @module scaling/deepseek-v3
 * What proving DeepSeek-V3 would take: operations counted from the layouts of its layers' units, times the speed of a machine.
 * A prediction: no layer of this size has been proved.
 */
import { engine } from '@attensor/native';
import type { ModelConfig } from '@attensor/inference';
import { availableParallelism } from 'node:os';
import { Script, type Component } from '@attensor/prover';
import {
  circuitTime,
  productSeconds,
  embedding,
  Expr,
  head,
  layer,
  LOG_LEAF,
  COMPRESSION_COST,
  MAX_LOG_SIZE,
  nativeTime,
  plan,
  Tape,
  treeCompressions,
} from '@attensor/prover/planning';

/**
 * DeepSeek-V3 as published, but for two sizes that the protocol wants as powers of two or does not depend on: the dense layers' inner
 * size is 18,432 (here padded to 2^15), and a layer by itself commits the angles of the capacity's positions only.
 */
export const DEEPSEEK_V3: ModelConfig = {
  vocabSize: 129_280,
  hiddenSize: 7168,
  layers: 61,
  heads: 128,
  qLora: 1536,
  kvLora: 512,
  nope: 128,
  rope: 64,
  vDim: 128,
  denseInner: 2 ** 15,
  expertInner: 2048,
  experts: 256,
  groups: 8,
  topkGroup: 4,
  topk: 8,
  sharedExperts: 1,
  firstDense: 3,
  eps: 1e-6,
  ropeTheta: 10_000,
  normTopk: true,
  routedScaling: 2.5,
  bos: 0,
  eos: 1,
  maxPositions: 4096,
};

/** One layer's share of a proof; the weights' commitment is made once for all proofs. */
export interface LayerCost {
  kind: 'embedding' | 'dense' | 'moe' | 'head' | 'model';
  /** of the kind in the model */
  count: number;
  /** entries in use, padding of dimensions to powers of two included */
  witness: number;
  weights: number;
  /** vectors that the weights are committed in */
  parts: number;
  permutations: number;
  products: number;
  /** once, those of a vocabulary's tree included */
  weightPermutations: number;
  weightProducts: number;
  /** of the sumchecks on the witness, see `NativeWork` */
  entries: number;
  states: number;
  circuits: number;
  rows: number;
  /** Largest resident size of a proof, and of the commitment of the weights; parts one after the other. */
  peakBytes: number;
  weightPeakBytes: number;
  /** Weights as int32 and their trees. */
  diskBytes: number;
}

const FIELD_BYTES = 32;
const INT_BYTES = 4;
/** products per entry and sumcheck of a product of two columns: 2 points and 2 columns bound, over 1 + 1/2 + 1/4 + ... */
const PRODUCT_SUMCHECK = 4;
/** vectors of 2^logSize field elements that an opening holds beside codewords: F, its weights, and both folded in place */
const OPENING_VECTORS = 2;

/** Products of an encoding: a butterfly on two entries is one, and the levels that only copy zeros are free. */
const encodeProducts = (width: number, logDomain: number, logRow: number): number =>
  width * 2 ** (logDomain - 1) * logRow;

/** Weights are read, encoded and stored at the highest rate; what is hashed of their opening costs a few permutations more. */
export const RATES = { logInvRate: 1, hashingLogInvRate: 3 };

/** @param partLog log2 of the size of the vectors that hold the weights */
export async function layerCost(
  kind: LayerCost['kind'],
  unit: Component,
  count: number,
  partLog = MAX_LOG_SIZE,
): Promise<LayerCost> {
  const script = new Script(unit, { ...RATES, partLog });
  const { first: opening } = script.levels;
  const { builder, witnessLog, hashedStates } = unit;
  const [width] = script.witness.widths;
  const parts = script.parameters.widths;
  const segments = plan(await script.tape());
  const [first, ...later] = opening.rounds;
  const whole = 2 ** opening.logSize;
  const logRow = opening.logSize - LOG_LEAF;
  const weights = parts.length > 0 ? builder.parameters.end : 0;
  const folded = later.reduce(
    (sum, r) => sum + encodeProducts(2 ** LOG_LEAF, r.logDomain, r.logSize - LOG_LEAF),
    0,
  );
  // Per weight: bound to a row's point in its component, the claims' factor and the reduction, its share of F, a term of each queried leaf.
  const perWeight = 1 + (1 + PRODUCT_SUMCHECK) + 1 + first.queries;
  const opened = PRODUCT_SUMCHECK * whole;
  const leaves = 2 ** first.logDomain;
  // above the leaves' hashes, which are not kept
  const tree = (FIELD_BYTES * leaves) / 7;
  const codeword = (width: number): number => FIELD_BYTES * leaves * (width + 1) + tree;
  const vectors = OPENING_VECTORS * FIELD_BYTES * whole;
  const tables = 8 * FIELD_BYTES * 2 ** witnessLog;
  return {
    kind,
    count,
    witness: builder.witness.end,
    weights,
    parts: parts.length,
    permutations: script.permutations,
    products:
      perWeight * weights + encodeProducts(width, first.logDomain, logRow) + folded + opened,
    weightPermutations:
      parts.reduce((sum, w) => sum + COMPRESSION_COST * treeCompressions(w, first.logDomain), 0) +
      unit.vocabularyPermutations,
    weightProducts: parts.reduce((sum, w) => sum + encodeProducts(w, first.logDomain, logRow), 0),
    entries: 2 * 2 ** witnessLog,
    states: hashedStates,
    circuits: segments.length,
    rows: segments.reduce((sum, s) => sum + s.rows, 0),
    peakBytes: codeword(width) + Math.max(tables, vectors) + FIELD_BYTES * hashedStates,
    weightPeakBytes: parts.length > 0 ? codeword(Math.max(...parts)) : 0,
    diskBytes: INT_BYTES * weights + tree * parts.length,
  };
}

/** @param partLog log2 of the size of the vectors that hold the weights */
export async function deepseekCosts(
  capacity: number,
  partLog = MAX_LOG_SIZE,
  config = DEEPSEEK_V3,
): Promise<LayerCost[]> {
  const { hiddenSize, vocabSize, eps, firstDense, layers } = config;
  const kinds = [
    await layerCost('embedding', embedding(capacity, hiddenSize, vocabSize), 1, partLog),
    await layerCost('dense', layer(capacity, 'dense', config), firstDense, partLog),
    await layerCost('moe', layer(capacity, 'moe', config), layers - firstDense, partLog),
    await layerCost('head', head(capacity, hiddenSize, vocabSize, eps), 1, partLog),
  ];
  return [...kinds, wholeModel(kinds)];
}

/** All layers; each is a chain of circuits, and a circuit that verifies two proofs joins one chain to the others. */
function wholeModel(kinds: LayerCost[]): LayerCost {
  const total = (of: (k: LayerCost) => number): number =>
    kinds.reduce((sum, k) => sum + k.count * of(k), 0);
  return {
    kind: 'model',
    count: 1,
    witness: total((k) => k.witness),
    weights: total((k) => k.weights),
    parts: total((k) => k.parts),
    permutations: total((k) => k.permutations),
    products: total((k) => k.products),
    weightPermutations: total((k) => k.weightPermutations),
    weightProducts: total((k) => k.weightProducts),
    entries: total((k) => k.entries),
    states: total((k) => k.states),
    circuits: total((k) => k.circuits) + total(() => 1) - 1,
    rows: total((k) => k.rows),
    peakBytes: Math.max(...kinds.map((k) => k.peakBytes)),
    weightPeakBytes: Math.max(...kinds.map((k) => k.weightPeakBytes)),
    diskBytes: total((k) => k.diskBytes),
  };
}

/** A machine's speed with all its threads, seconds per operation. */
export interface Rates {
  machine: string;
  /** How the rates are known. */
  basis: string;
  permutation: number;
  product: number;
  /** of the sumchecks on a witness, its filling included */
  entry: number;
  /** of the hashes of embedding rows */
  state: number;
  circuit: number;
  /** circuits proved at a time */
  circuitsAtOnce: number;
}

/** Measures products and permutations here; the rest follows from the fit of `estimate`. */
export async function measuredRates(): Promise<Rates> {
  const cores = availableParallelism();
  // One thread, times the cores: the best run of a thread hardly shows what else the machine does.
  engine.setThreads(1);
  let one: { permutation: number; product: number };
  try {
    one = { permutation: await onePermutation(), product: await oneProduct() };
  } finally {
    engine.setThreads(cores);
  }
  const permutation = one.permutation / cores;
  const native = (entries: number, states = 0): number =>
    nativeTime(permutation, { permutations: 0, entries, states });
  return {
    machine: `this machine, ${cores} cores`,
    basis:
      'permutation, product: measured on one core; entry, circuit: fit of bench table3, scaled by the permutation and by a product in JavaScript',
    permutation,
    product: one.product / cores,
    entry: native(1) - native(0),
    state: native(0, 1) - native(0),
    circuit: circuitTime(await productSeconds()),
    circuitsAtOnce: 1,
  };
}

/** Best of as many runs of a few milliseconds as fit into a second. */
async function best(work: () => Promise<void>): Promise<number> {
  let seconds = Infinity;
  for (const end = performance.now() + 1000; performance.now() < end;) {
    const start = performance.now();
    await work();
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
  }
  return seconds;
}

async function onePermutation(): Promise<number> {
  const count = 2 ** 11;
  const rows = Int32Array.from({ length: 2 * count }, (_, i) => i);
  return (await best(async () => (await engine.hashRows(rows, 2)).dispose())) / count;
}

/** In the sumcheck of a product of two columns. */
async function oneProduct(): Promise<number> {
  const log = 16;
  const product = Expr.column(0).mul(Expr.column(1)).compile(new Tape(), 2);
  const ints = Int32Array.from({ length: 2 ** log }, (_, i) => i);
  const columns = [engine.fromInts(ints), engine.fromInts(ints)];
  const seconds = await best(async () => {
    const prover = engine.sumcheck(columns, product);
    for (let i = 0; i < log; i++) {
      await prover.round();
      await prover.bind(BigInt(i + 2) ** 40n);
    }
    prover.dispose();
  });
  columns.forEach((c) => c.dispose());
  return seconds / (PRODUCT_SUMCHECK * 2 ** log);
}

const MANY_CORES = 32;
/** Cores that a circuit's proof was measured on. */
const CIRCUIT_CORES = 2;

/** Of `cores` cores like these: native work in proportion, circuits two cores each. An assumption, nothing of it is measured. */
export function manyCores(here: Rates, cores = MANY_CORES): Rates {
  const factor = availableParallelism() / cores;
  return {
    machine: `${cores} cores`,
    basis: `assumed: ${cores} such cores, native work in proportion, a circuit on each ${CIRCUIT_CORES}`,
    permutation: here.permutation * factor,
    product: here.product * factor,
    entry: here.entry * factor,
    state: here.state * factor,
    circuit: here.circuit,
    circuitsAtOnce: cores / CIRCUIT_CORES,
  };
}

/** H200: multiprocessors, 32-bit integer multiplications per clock of each, clock in Hz. */
const H200 = { multiprocessors: 132, multiplications: 64, clock: 1.7e9 };
/** 32-bit multiplications of a field product: 8 x 8 limbs, low and high halves, for the product and for its Montgomery reduction. */
const PRODUCT_MULTIPLICATIONS = 4 * 64;
/** Share of the peak that carries and memory are assumed to leave. */
const GPU_EFFICIENCY = 0.4;
/** 55 rounds of three seventh powers (4 products each) and a matrix of 9. */
const PERMUTATION_PRODUCTS = 55 * (3 * 4 + 9);

/** One H200 for the native part, the circuits on 32 cores beside it. Computed from the data sheet: nothing was run on one. */
export function oneGpu(here: Rates): Rates {
  const peak = H200.multiprocessors * H200.multiplications * H200.clock;
  const product = PRODUCT_MULTIPLICATIONS / (peak * GPU_EFFICIENCY);
  const host = manyCores(here);
  return {
    machine: `one H200, ${MANY_CORES} cores`,
    basis: `assumed: data sheet, ${100 * GPU_EFFICIENCY} % of its integer multiplications; entries like products; circuits on the cores`,
    permutation: PERMUTATION_PRODUCTS * product,
    product,
    entry: here.entry * (product / here.product),
    state: here.state * (product / here.product),
    circuit: host.circuit,
    circuitsAtOnce: host.circuitsAtOnce,
  };
}

export interface Prediction {
  nativeSeconds: number;
  picklesSeconds: number;
  /** once */
  weightsSeconds: number;
}

/** A layer's circuits are a chain, one after the other; chains of different layers run side by side. */
export function predict(cost: LayerCost, rates: Rates): Prediction {
  return {
    nativeSeconds:
      cost.permutations * rates.permutation +
      cost.products * rates.product +
      cost.entries * rates.entry +
      cost.states * rates.state,
    picklesSeconds:
      (cost.circuits * rates.circuit) / (cost.kind === 'model' ? rates.circuitsAtOnce : 1),
    weightsSeconds:
      cost.weightPermutations * rates.permutation + cost.weightProducts * rates.product,
  };
}
