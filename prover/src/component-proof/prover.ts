/**
 * @module component-proof/prover
 * Proves one component: exact run, witness, commitments, script, one circuit.
 */
import { inputHash, MODEL_DOMAIN } from '@attensor/contracts';
import { AttensorError, selectEngine } from '@attensor/inference';
import { engine, type Commitment, type FpVec } from '@attensor/native';
import { Cache, Field, type VerificationKey } from 'o1js';
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { plan, type Segment } from '../circuits/planner.js';
import { chainProgram, proveChain, type ChainProgram } from '../circuits/program.js';
import { padded } from '../components/builder.js';
import { randomField, samplePoint, Vocabulary } from '../model/commitment.js';
import { traceOf, witnessInts } from '../model/witness.js';
import { defaultCacheDir } from '../proof-file.js';
import { useNativeBackend } from '../prover.js';
import { commitRows } from '../protocol/opening.js';
import { Session } from '../protocol/session.js';
import type { Tape } from '../protocol/tape.js';
import { tableComponent } from './catalog.js';
import { componentProofFile, type ComponentProofFile } from './file.js';
import type { Component } from './kinds.js';
import type { IntTensor, Tensors } from './tensors.js';
import { ComponentProtocol, ComponentStatement, rootOf, TENSORS_DOMAIN } from './protocol.js';

export interface ComponentProgress {
  stage: 'compile' | 'weights' | 'run' | 'commit' | 'protocol' | 'circuit' | 'done';
  fraction: number;
  message: string;
}

type OnProgress = (p: ComponentProgress) => void;

/** Weights under their commitment: made once, used for many proofs. */
export interface CommittedWeights {
  tensors: Tensors;
  root: bigint;
  salt: bigint;
  sample: bigint;
  vector?: FpVec;
  commitment?: Commitment;
  vocabulary?: Vocabulary;
  seconds: number;
}

export interface ComponentResult {
  file: ComponentProofFile;
  outputs: Tensors;
  nativeSeconds: number;
  picklesSeconds: number;
  totalSeconds: number;
}

const seconds = (since: number): number => (performance.now() - since) / 1000;

/** Inverse rates that are tried: higher ones cost hashing, lower ones queries and so circuits. */
const LOG_INV_RATES = [2, 3, 4, 5];
/** What a circuit's proof costs, in permutations; fixed, so that every machine makes the same plan. */
const CIRCUIT_COST = 20e6;
const MOST_CIRCUITS = 2;

interface Plan {
  protocol: ComponentProtocol;
  tape: Tape;
  segments: Segment[];
}

async function cheapestPlan(component: Component): Promise<Plan> {
  let best: { plan: Plan; cost: number } | undefined;
  let circuits = Infinity;
  for (const logInvRate of LOG_INV_RATES) {
    const protocol = new ComponentProtocol(component, logInvRate);
    const session = new Session({});
    await protocol.script(session);
    const segments = plan(session.tape);
    circuits = Math.min(circuits, segments.length);
    if (segments.length > MOST_CIRCUITS) continue;
    const cost = protocol.permutations + CIRCUIT_COST * segments.length;
    if (!best || cost < best.cost)
      best = { plan: { protocol, tape: session.tape, segments }, cost };
  }
  if (best) return best.plan;
  throw new AttensorError({
    code: 'UNSUPPORTED_CONFIG',
    what: 'the component does not fit its circuits',
    where: JSON.stringify(component.config),
    expected: `at most ${MOST_CIRCUITS} circuits`,
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
  static async plan(component: Component, cacheDir = defaultCacheDir()): Promise<ComponentProver> {
    useNativeBackend();
    const { protocol, tape, segments } = await cheapestPlan(component);
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
    const { verificationKey } = await this.program.compile({ cache: Cache.FileSystem(dir) });
    this.verificationKey = verificationKey;
    return { verifierKeyHash: verificationKey.hash.toString(), seconds: seconds(start) };
  }

  async commitWeights(tensors: Tensors, onProgress?: OnProgress): Promise<CommittedWeights> {
    const start = performance.now();
    checkTensors(this.component.weights, tensors, 'weight');
    const progress = (fraction: number): void =>
      onProgress?.({ stage: 'weights', fraction, message: 'committing the weights' });
    progress(0);
    // Public tables are committed without a salt: whoever checks a proof can make their root again.
    const salt = Object.keys(this.component.weights).length === 0 ? 0n : randomField();
    const none = { tensors, salt, root: 0n, sample: 0n };
    if (this.protocol.built.embedding) {
      const { dims, data } = tensors.vocabulary;
      const rows = Int32Array.from(data, Number);
      const vocabulary = await Vocabulary.build(engine, rows, dims[1]);
      return { ...none, root: vocabulary.root, vocabulary, seconds: seconds(start) };
    }
    if (!this.protocol.hasWeights) return { ...none, seconds: seconds(start) };
    const protocol = new ComponentProtocol(this.component, this.protocol.logInvRate, tensors);
    const committed = await commitParameters(protocol, salt, progress);
    return { tensors, salt, ...committed, seconds: seconds(start) };
  }

  async prove(
    inputs: Tensors,
    weights: CommittedWeights,
    options: { onProgress?: OnProgress; signal?: AbortSignal } = {},
  ): Promise<ComponentResult> {
    checkTensors(this.component.inputs, inputs, 'input');
    if (!this.verificationKey) await this.compile(options.onProgress);
    const start = performance.now();
    const { statement, session, outputs } = await this.messages(inputs, weights, options);
    const nativeSeconds = seconds(start);
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
    return { file, outputs, nativeSeconds, picklesSeconds, totalSeconds: seconds(start) };
  }

  /** The native part: run, witness, its commitment, all messages. */
  async messages(
    inputs: Tensors,
    weights: CommittedWeights,
    { onProgress, signal }: { onProgress?: OnProgress; signal?: AbortSignal } = {},
  ): Promise<{ statement: bigint[]; session: Session; outputs: Tensors }> {
    const { component } = this;
    checkTensors(component.inputs, inputs, 'input');
    onProgress?.({ stage: 'run', fraction: 0, message: 'exact run' });
    const native = await selectEngine('native', signal);
    const traced = await component.run(native, inputs, weights.tensors);
    const protocol = new ComponentProtocol(component, this.protocol.logInvRate, weights.tensors);
    const { built, logSize, logInvRate } = protocol;
    onProgress?.({ stage: 'commit', fraction: 0.05, message: 'committing the tensors' });
    const ints = witnessInts(built.b, built.lookups, traceOf(traced), logSize);
    const witness = engine.fromInts(ints);
    const states = await built.embedding?.complete(engine, witness);
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
    onProgress?.({ stage: 'protocol', fraction: 0.2, message: 'sumchecks, lookups and openings' });
    const tensors = {
      commitment,
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
      weights: weights.commitment && {
        commitment: weights.commitment,
        sample: weights.sample,
        salt: weights.salt,
      },
      vocabulary: weights.vocabulary,
      tokens,
      states,
    });
    states?.forEach((s) => s.dispose());
    commitment.dispose();
    witness.dispose();
    const outputs = Object.fromEntries(component.outputs.map((n) => [n, traced.get(n)!]));
    return { statement, session, outputs };
  }

  /** The plain verifier over recorded messages. @throws VerificationError */
  async replay(statement: bigint[], messages: bigint[]): Promise<void> {
    const session = new Session({ permute: (s) => engine.permute(s), statement, messages });
    await this.protocol.script(session);
  }
}

/** The parameters of a protocol that was built with its weights, under their root. */
async function commitParameters(
  protocol: ComponentProtocol,
  salt: bigint,
  onProgress?: (fraction: number) => void,
): Promise<{ root: bigint; sample: bigint; vector: FpVec; commitment: Commitment }> {
  const { logSize, logInvRate, widths, configHash } = protocol;
  const vector = parameterVector(protocol);
  const options = { logInvRate, onProgress };
  const commitment = await commitRows(engine, vector, logSize, widths.parameters, options);
  const sample = await engine.evalPow(vector, samplePoint(engine, commitment.cap));
  const domain = MODEL_DOMAIN.toBigInt();
  const root = rootOf(engine, configHash, domain, { commitment, sample, salt });
  return { root, sample, vector, commitment };
}

/** What `weights` must be in a proof whose parameters are the public tables; undefined for other components. */
export async function tablesRoot({
  logInvRate,
  logSize,
  ...config
}: ComponentProofFile['component']): Promise<string | undefined> {
  const component = tableComponent(config);
  if (!component) return undefined;
  const protocol = new ComponentProtocol(component, logInvRate);
  if (protocol.logSize !== logSize) return undefined;
  const { root, vector, commitment } = await commitParameters(protocol, 0n);
  vector.dispose();
  commitment.dispose();
  return root.toString();
}

/** The weights' vector of a protocol that was built with them. */
function parameterVector({ built, logSize }: ComponentProtocol): FpVec {
  const vector = engine.alloc(2 ** logSize);
  for (const { block, dims, source } of built.b.parameterFills) {
    const values = (source as () => ArrayLike<number>)();
    const out = new Int32Array(2 ** block.log);
    padded(dims, (at, from) => {
      if (from >= 0) out[at] = values[from];
    });
    vector.setInts(block.offset, out);
  }
  return vector;
}

function checkTensors(
  wanted: Component['inputs'],
  given: Record<string, IntTensor>,
  what: string,
): void {
  for (const [name, { dims, min, max }] of Object.entries(wanted)) {
    const tensor = given[name] as IntTensor | undefined;
    const size = dims.reduce((a, b) => a * b, 1);
    if (tensor?.dims.join() !== dims.join() || tensor.data.length !== size)
      throw new AttensorError({
        code: tensor ? 'BAD_SHAPE' : 'MISSING_TENSOR',
        what: tensor ? 'a tensor has another shape' : 'a tensor is missing',
        where: `${what} '${name}'`,
        expected: dims.join(' x '),
        ...(tensor && { got: tensor.dims.join(' x ') }),
      });
    const at = tensor.data.findIndex((v) => v < min || v > max);
    if (at >= 0)
      throw new AttensorError({
        code: 'OVERFLOW',
        what: 'a value is out of range',
        where: `${what} '${name}', entry ${at}`,
        expected: `${min} .. ${max}`,
        got: String(tensor.data[at]),
      });
  }
}
