/**
 * @module component-proof/prover
 * Proves one component: exact run, witness, commitments, script, one circuit.
 */
import { inputHash, MODEL_DOMAIN } from '@attensor/contracts';
import { AttensorError, selectEngine } from '@attensor/inference';
import { engine, type FpVec } from '@attensor/native';
import { Field, type VerificationKey } from 'o1js';
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { plan, type Segment } from '../circuits/planner.js';
import { chainProgram, proveChain, type ChainProgram } from '../circuits/program.js';
import { padded } from '../components/builder.js';
import { randomField, samplePoint, Vocabulary } from '../model/commitment.js';
import { traceOf, witnessInts } from '../model/witness.js';
import { defaultCacheDir, keyCache } from '../proof-file.js';
import { useNativeBackend } from '../prover.js';
import { CommittedPart, LongVector } from '../protocol/long-vector.js';
import { commitRows, type LeafSource } from '../protocol/opening.js';
import { Session } from '../protocol/session.js';
import type { Tape } from '../protocol/tape.js';
import { tableComponent } from './catalog.js';
import { componentProofFile, type ComponentProofFile } from './file.js';
import type { Component } from './component.js';
import type { Tensors, Weights } from './tensors.js';
import {
  ComponentProtocol,
  ComponentStatement,
  PART_LOG,
  rootOf,
  TENSORS_DOMAIN,
} from './protocol.js';

export interface ComponentProgress {
  stage: 'compile' | 'weights' | 'run' | 'witness' | 'commit' | 'protocol' | 'circuit' | 'done';
  fraction: number;
  message: string;
}

type OnProgress = (p: ComponentProgress) => void;

/** Weights under their commitment: made once, used for many proofs. */
export interface CommittedWeights {
  tensors: Weights;
  root: bigint;
  salt: bigint;
  sample: bigint;
  vector?: FpVec | LongVector;
  /** of each part */
  commitments: LeafSource[];
  vocabulary?: Vocabulary;
  seconds: number;
}

/** What the native part takes, in seconds: exact run, witness, its commitment, and all other messages. */
export interface NativeStages {
  run: number;
  witness: number;
  commit: number;
  protocol: number;
}

/** The native part of a proof. */
export interface NativeProof {
  statement: bigint[];
  session: Session;
  outputs: Tensors;
  stages: NativeStages;
}

export interface ComponentResult {
  file: ComponentProofFile;
  outputs: Tensors;
  stages: NativeStages;
  nativeSeconds: number;
  /** of compiling circuits or loading their keys, if that was still to do */
  keySeconds: number;
  picklesSeconds: number;
  /** native and circuits */
  totalSeconds: number;
}

const seconds = (since: number): number => (performance.now() - since) / 1000;

/** Inverse rates that are tried: higher ones cost hashing, lower ones queries and so circuits. */
const LOG_INV_RATES = [2, 3, 4, 5];
/** What a circuit's proof costs, in permutations; fixed, so that every machine makes the same plan. */
const CIRCUIT_COST = 20e6;
const MOST_CIRCUITS = 2;
/** Weights in parts: each query opens a leaf of every part. */
const MOST_CIRCUITS_IN_PARTS = 16;

interface Plan {
  protocol: ComponentProtocol;
  tape: Tape;
  segments: Segment[];
}

async function cheapestPlan(component: Component, partLog: number): Promise<Plan> {
  let best: { plan: Plan; cost: number } | undefined;
  let circuits = Infinity;
  let most = MOST_CIRCUITS;
  for (const logInvRate of LOG_INV_RATES) {
    const protocol = new ComponentProtocol(component, logInvRate, partLog);
    if (protocol.widths.parts.length > 1) {
      // a lower rate would double the memory of a part
      if (logInvRate > LOG_INV_RATES[0]) break;
      most = MOST_CIRCUITS_IN_PARTS;
    }
    const session = new Session({});
    await protocol.script(session);
    const segments = plan(session.tape);
    circuits = Math.min(circuits, segments.length);
    if (segments.length > most) continue;
    const cost = protocol.permutations + CIRCUIT_COST * segments.length;
    if (!best || cost < best.cost)
      best = { plan: { protocol, tape: session.tape, segments }, cost };
  }
  if (best) return best.plan;
  throw new AttensorError({
    code: 'UNSUPPORTED_CONFIG',
    what: 'the component does not fit its circuits',
    where: JSON.stringify(component.config),
    expected: `at most ${most} circuits`,
    got: String(circuits),
    hint: 'Take fewer rows or smaller dimensions',
  });
}

export class ComponentProver {
  private verificationKey: VerificationKey | undefined;
  private readonly program: ChainProgram<ComponentStatement>;

  private constructor(
    readonly component: Component,
    readonly protocol: ComponentProtocol,
    tape: Tape,
    readonly segments: Segment[],
    readonly cacheDir: string,
  ) {
    const digest = createHash('sha256').update(protocol.configHash.toString()).digest('hex');
    const name = `attensor-component-${digest.slice(0, 12)}`;
    this.program = chainProgram(name, ComponentStatement, tape, segments);
  }

  /** Plans circuits and rate. @throws UNSUPPORTED_CONFIG when they hold no such component */
  static async plan(
    component: Component,
    cacheDir = defaultCacheDir(),
    partLog = PART_LOG,
  ): Promise<ComponentProver> {
    useNativeBackend();
    const { protocol, tape, segments } = await cheapestPlan(component, partLog);
    return new ComponentProver(component, protocol, tape, segments, cacheDir);
  }

  get rows(): number[] {
    return this.segments.map((s) => s.rows);
  }

  async compile(onProgress?: OnProgress): Promise<{ verifierKeyHash: string; seconds: number }> {
    const start = performance.now();
    onProgress?.({
      stage: 'compile',
      fraction: 0,
      message: 'compiling the circuit, or loading its keys',
    });
    const dir = join(this.cacheDir, 'keys');
    await mkdir(dir, { recursive: true });
    const { verificationKey } = await this.program.compile({ cache: keyCache(this.cacheDir) });
    this.verificationKey = verificationKey;
    return { verifierKeyHash: verificationKey.hash.toString(), seconds: seconds(start) };
  }

  /** The protocol with what fills its vectors. */
  private protocolWith(weights: Weights): ComponentProtocol {
    const { logInvRate, partLog } = this.protocol;
    return new ComponentProtocol(this.component, logInvRate, partLog, weights);
  }

  async commitWeights(
    tensors: Weights,
    onProgress?: OnProgress,
    signal?: AbortSignal,
  ): Promise<CommittedWeights> {
    const start = performance.now();
    checkShapes(this.component.weights, tensors, 'weight');
    const progress = (fraction: number): void =>
      onProgress?.({ stage: 'weights', fraction, message: 'committing the weights' });
    progress(0);
    // Public tables are committed without a salt: whoever checks a proof can make their root again.
    const salt = Object.keys(this.component.weights).length === 0 ? 0n : randomField();
    const none = { tensors, salt, root: 0n, sample: 0n, commitments: [] };
    if (this.protocol.built.embedding) {
      const { dims, data } = tensors.vocabulary;
      const vocabulary = await Vocabulary.build(engine, data, dims[1]);
      return { ...none, root: vocabulary.root, vocabulary, seconds: seconds(start) };
    }
    if (!this.protocol.hasWeights) return { ...none, seconds: seconds(start) };
    const committed = await commitParameters(this.protocolWith(tensors), salt, progress, signal);
    return { tensors, salt, ...committed, seconds: seconds(start) };
  }

  async prove(
    inputs: Tensors,
    weights: CommittedWeights,
    options: { onProgress?: OnProgress; signal?: AbortSignal } = {},
  ): Promise<ComponentResult> {
    const start = performance.now();
    const { statement, session, outputs, stages } = await this.messages(inputs, weights, options);
    const nativeSeconds = seconds(start);
    // Not before: compiled circuits fill the heap, and every large vector would have it collected.
    const keySeconds = this.verificationKey ? 0 : (await this.compile(options.onProgress)).seconds;
    const picklesStart = performance.now();
    const fields = new ComponentStatement({
      component: Field(statement[0]),
      tensors: Field(statement[1]),
      weights: Field(statement[2]),
      tokens: Field(statement[3]),
    });
    const { length } = this.segments;
    const { proof } = await proveChain(this.program, this.segments, fields, session, {
      signal: options.signal,
      onSegment: (index) =>
        options.onProgress?.({
          stage: 'circuit',
          fraction: 0.4 + (0.6 * index) / length,
          message: `proof ${index + 1} of ${length}`,
        }),
    });
    const picklesSeconds = seconds(picklesStart);
    options.onProgress?.({ stage: 'done', fraction: 1, message: 'proved' });
    const [component, tensors, weightsRoot, tokens] = statement.map(String);
    const { logSize, logInvRate } = this.protocol;
    const file = componentProofFile(
      proof.toJSON(),
      this.verificationKey!,
      { ...this.component.config, logSize, logInvRate },
      { component, tensors, weights: weightsRoot, tokens },
    );
    const totalSeconds = nativeSeconds + picklesSeconds;
    return { file, outputs, stages, nativeSeconds, keySeconds, picklesSeconds, totalSeconds };
  }

  /** The native part: run, witness, its commitment, all messages. */
  async messages(
    inputs: Tensors,
    weights: CommittedWeights,
    { onProgress, signal }: { onProgress?: OnProgress; signal?: AbortSignal } = {},
  ): Promise<NativeProof> {
    const { component } = this;
    checkInputs(component.inputs, inputs);
    onProgress?.({ stage: 'run', fraction: 0, message: 'exact run' });
    let last = performance.now();
    const lap = (): number => {
      const since = seconds(last);
      last = performance.now();
      return since;
    };
    const native = await selectEngine('native', signal);
    const traced = await component.run(native, inputs, weights.tensors);
    const run = lap();
    const protocol = this.protocolWith(weights.tensors);
    const { built, logSize, logInvRate } = protocol;
    onProgress?.({ stage: 'witness', fraction: 0.03, message: 'witness' });
    const trace = traceOf(traced);
    const ints = witnessInts(built.b, built.lookups, trace, logSize);
    const witness = engine.fromInts(ints);
    const states = await built.embedding?.complete(engine, witness);
    const filled = lap();
    onProgress?.({ stage: 'commit', fraction: 0.05, message: 'committing the tensors' });
    const commitment = await commitRows(engine, witness, logSize, protocol.widths.witness, {
      logInvRate,
      signal,
      onProgress: (f) =>
        onProgress?.({
          stage: 'commit',
          fraction: 0.05 + 0.15 * f,
          message: 'committing the tensors',
        }),
    });
    const commit = lap();
    onProgress?.({ stage: 'protocol', fraction: 0.2, message: 'sumchecks, lookups and openings' });
    const tensors = {
      commitments: [commitment],
      sample: await engine.evalPow(witness, samplePoint(engine, commitment.cap)),
      salt: randomField(),
    };
    const tokens = built.embedding && Array.from(inputs.input.data, Number);
    const statement = [
      protocol.configHash,
      rootOf(engine, protocol.configHash, TENSORS_DOMAIN, tensors),
      weights.root,
      tokens ? inputHash(tokens).toBigInt() : 0n,
    ];
    const session = new Session({ engine, permute: (s) => engine.permute(s), statement, signal });
    await protocol.script(session, {
      witness,
      tensors,
      parameters: weights.vector,
      trace,
      weights,
      vocabulary: weights.vocabulary,
      tokens,
      states,
    });
    states?.forEach((s) => s.dispose());
    commitment.dispose();
    witness.dispose();
    const outputs = Object.fromEntries(component.outputs.map((n) => [n, traced.get(n)!]));
    const stages = { run, witness: filled, commit, protocol: lap() };
    return { statement, session, outputs, stages };
  }

  /** The plain verifier over recorded messages. @throws VerificationError */
  async replay(statement: bigint[], messages: bigint[]): Promise<void> {
    const session = new Session({ permute: (s) => engine.permute(s), statement, messages });
    await this.protocol.script(session);
  }
}

type CommittedParameters = Required<
  Pick<CommittedWeights, 'root' | 'sample' | 'vector' | 'commitments'>
>;

/** The parameters of a protocol that was built with its weights, under their root. */
async function commitParameters(
  protocol: ComponentProtocol,
  salt: bigint,
  onProgress?: (fraction: number) => void,
  signal?: AbortSignal,
): Promise<CommittedParameters> {
  const { logSize, logInvRate, widths, configHash } = protocol;
  const { parts } = widths;
  const ints = parameterInts(protocol);
  const commitments: LeafSource[] = [];
  let vector: FpVec | LongVector;
  if (parts.length === 1) {
    vector = engine.alloc(2 ** logSize);
    vector.setInts(0, ints);
    const options = { logInvRate, onProgress, signal };
    commitments.push(await commitRows(engine, vector, logSize, parts[0], options));
  } else {
    vector = new LongVector(engine, ints, logSize);
    for (const k of parts.keys())
      commitments.push(
        await CommittedPart.commit(vector, k, {
          logInvRate,
          signal,
          onProgress: (f) => onProgress?.((k + f) / parts.length),
        }),
      );
  }
  const point = samplePoint(
    engine,
    commitments.flatMap((c) => c.cap),
  );
  const sample = await (vector instanceof LongVector
    ? vector.evalPow(point)
    : engine.evalPow(vector, point));
  const domain = MODEL_DOMAIN.toBigInt();
  const root = rootOf(engine, configHash, domain, { commitments, sample, salt });
  return { root, sample, vector, commitments };
}

/** What `weights` must be in a proof whose parameters are the public tables; undefined for other components. */
export async function tablesRoot({
  logInvRate,
  logSize,
  ...config
}: ComponentProofFile['component']): Promise<string | undefined> {
  requireSmallTables(config);
  const component = tableComponent(config);
  if (!component) return undefined;
  const protocol = new ComponentProtocol(component, logInvRate);
  if (protocol.logSize !== logSize) return undefined;
  const { root, vector, commitments } = await commitParameters(protocol, 0n);
  if (!(vector instanceof LongVector)) vector.dispose();
  commitments.forEach((c) => c.dispose());
  return root.toString();
}

/** Entries of the largest public table that is made to check a proof: four seconds' work. */
const MAX_TABLE_ENTRIES = 2 ** 20;

/** A file may name any sizes: those that no proof is made for are refused before their tables fill the memory. */
function requireSmallTables(config: Component['config']): void {
  if (config.kind !== 'rope') return;
  const entries = (Number(config.rows) * Number(config.dim)) / 2;
  if (!(entries <= MAX_TABLE_ENTRIES))
    throw new AttensorError({
      code: 'BAD_FILE',
      what: 'the tables are larger than those that are checked',
      where: JSON.stringify(config),
      expected: `at most ${MAX_TABLE_ENTRIES} entries`,
      got: String(entries),
    });
}

/** The weights' vector of a protocol that was built with them, up to its last block. */
function parameterInts({ built }: ComponentProtocol): Int32Array {
  const out = new Int32Array(built.b.parameters.end);
  for (const { block, dims, source } of built.b.parameterFills) {
    const values = typeof source === 'string' ? built.weights!(source) : source();
    padded(dims, (at, from) => {
      if (from >= 0) out[block.offset + at] = values[from];
    });
  }
  return out;
}

function checkShapes(
  wanted: Record<string, number[]>,
  given: Record<string, { dims: number[]; data: { length: number } }>,
  what: string,
): void {
  for (const [name, dims] of Object.entries(wanted)) {
    const tensor = given[name] as (typeof given)[string] | undefined;
    const size = dims.reduce((a, b) => a * b, 1);
    if (tensor?.dims.join() !== dims.join() || tensor.data.length !== size)
      throw new AttensorError({
        code: tensor ? 'BAD_SHAPE' : 'MISSING_TENSOR',
        what: tensor ? 'a tensor has another shape' : 'a tensor is missing',
        where: `${what} '${name}'`,
        expected: dims.join(' x '),
        ...(tensor && { got: tensor.dims.join(' x ') }),
      });
  }
}

function checkInputs(wanted: Component['inputs'], given: Tensors): void {
  for (const [name, { dims, min, max }] of Object.entries(wanted)) {
    checkShapes({ [name]: dims }, given, 'input');
    const { data } = given[name];
    const at = data.findIndex((v) => v < min || v > max);
    if (at >= 0)
      throw new AttensorError({
        code: 'OVERFLOW',
        what: 'a value is out of range',
        where: `input '${name}', entry ${at}`,
        expected: `${min} .. ${max}`,
        got: String(data[at]),
      });
  }
}
