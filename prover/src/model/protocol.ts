/**
 * @module model/protocol
 * A whole model as one script: layout of the two vectors, and the messages from the commitments to the opening.
 * docs/protocol.md lists every message in this order.
 */
import {
  AttensorError,
  expTable,
  isMoeLayer,
  ropeTables,
  sigmoidTable,
  type ModelConfig,
} from '@attensor/inference';
import type { Commitment, FpVec, ProverEngine } from '@attensor/native';
import { Argmax } from '../components/argmax.js';
import { Attention } from '../components/attention.js';
import { Builder, dim, padded as padTo, type Dim, type Trace } from '../components/builder.js';
import { Embedding, type VocabularyTree } from '../components/embedding.js';
import { Gating } from '../components/gating.js';
import { Gemm } from '../components/gemm.js';
import { Lookups, PairTable } from '../components/lookups.js';
import { ExpertGemms, Weighted } from '../components/moe.js';
import { RmsNorm } from '../components/rms-norm.js';
import { hashesByGkr } from '../components/row-hashes.js';
import { Rope } from '../components/rope.js';
import { activationScript } from '../components/sigmoid.js';
import { TokenColumns, type TokenInput } from '../components/tokens.js';
import { axis } from '../protocol/layout.js';
import {
  LOG_CAP,
  leafWidth,
  openingParameters,
  type OpeningParameters,
} from '../protocol/parameters.js';
import { Scope } from '../protocol/scope.js';
import type { Session } from '../protocol/session.js';
import type { Tensor, Vector } from '../protocol/tensor.js';
import { bindRoot, openVectors } from '../protocol/vectors.js';
import { MODEL_DOMAIN } from '@attensor/contracts';
import {
  attention,
  feedForwardLayer,
  noComponents,
  norm,
  type Components,
  type Parameters,
} from './layers.js';
import { PARAMETER_DOMAIN } from '../protocol/domains.js';

/** What fixes the circuits besides the model's architecture. */
export interface Shape {
  config: ModelConfig;
  /** Positions of prompt and output, a power of two. */
  capacity: number;
  /** log2 of the committed vectors' size */
  logSize: number;
  logInvRate: number;
  /** binds the architecture, see model/commitment.ts */
  configHash: bigint;
}

/** Prover only: all that is committed or hashed. */
export interface Witness {
  trace: Trace;
  tokens: TokenInput;
  /** ids of all positions, padded */
  ids: number[];
  witness: FpVec;
  witnessCommitment: Commitment;
  parameters: FpVec;
  parameterCommitment: Commitment;
  parameterSample: bigint;
  salt: bigint;
  vocabulary: VocabularyTree;
  /** from `complete` */
  embeddingStates?: FpVec[];
}

export class ModelProtocol {
  readonly b = new Builder();
  readonly lookups: Lookups;
  readonly components: Components = noComponents();
  readonly opening: OpeningParameters;
  /** Sizes the two vectors need (log). */
  readonly needs: { witness: number; parameters: number };
  /** Entries of a leaf of each commitment. */
  readonly widths: Record<Vector, number>;
  private readonly embedding: Embedding;
  private readonly argmax: Argmax;
  private readonly t: Dim;

  /** @param parameters integer weights by name; needed only to fill a witness */
  constructor(
    readonly shape: Shape,
    parameters: Parameters = () => [],
    /** successor token per position, -1 where none is required; needed only to fill a witness */
    successors: (trace: Trace) => number[] = () => [],
  ) {
    const { config, capacity } = shape;
    requireSupported(shape);
    const { b } = this;
    const t = (this.t = dim('t', capacity));
    const tables = {
      exp: new PairTable(b, 'exp', 1, expTable()),
      sigmoid: new PairTable(b, 'sigmoid', 2, sigmoidTable()),
    };
    const rotation = this.rotationTable();
    const context = { b, config, t, parameters, tables, rotation, out: this.components };

    const long = hashesByGkr(capacity, config.hiddenSize);
    this.embedding = new Embedding(b, [t, dim('i', config.hiddenSize)], long);
    let x = this.embedding.x;
    let name = 'embedding.x';
    for (let l = 0; l < config.layers; l++) {
      const prefix = `layers.${l}.`;
      x = attention(context, prefix, x, name);
      x = feedForwardLayer(context, prefix, x, isMoeLayer(config, l));
      name = `${prefix}x_out`;
    }
    const last = norm(context, 'final_norm', x, name, config.hiddenSize, config.eps);
    const o = dim('o', config.vocabSize);
    const head = b.parameter('head', [o, dim('i', config.hiddenSize)]);
    this.argmax = new Argmax(b, last, head, [t, o], successors);
    this.lookups = new Lookups(b, [tables.exp, tables.sigmoid]);
    this.needs = { witness: b.witness.seal(), parameters: b.parameters.seal() };
    const most = Math.max(this.needs.witness, this.needs.parameters);
    if (most > shape.logSize)
      throw unsupported(
        `${capacity} positions need larger vectors than committed`,
        `2^${most} entries`,
        `2^${shape.logSize}`,
      );
    b.witness.seal(shape.logSize);
    b.parameters.seal(shape.logSize);
    this.widths = {
      witness: leafWidth(b.witness.end, shape.logSize),
      parameters: leafWidth(b.parameters.end, shape.logSize),
    };
    this.opening = openingParameters(shape.logSize, shape.logInvRate);
  }

  private rotationTable() {
    const { config, capacity } = this.shape;
    const { cos, sin } = ropeTables(config.ropeTheta, config.rope, config.maxPositions);
    const positions = dim('position', config.maxPositions);
    const pair = dim('pair', config.rope / 2);
    if (capacity > config.maxPositions)
      throw unsupported(
        'capacity above max_position_embeddings',
        `at most ${config.maxPositions}`,
        String(capacity),
      );
    // The committed table covers all positions; a capacity reads its first rows.
    const skipped = Array.from({ length: positions.log - this.t.log }, () => ({ bit: 0 as const }));
    const view = (part: string, values: ArrayLike<number>): Tensor => {
      const table = this.b.parameter(() => values, [positions, pair], `table.${part}`);
      return table.split('position', [...skipped, axis('t', this.t.log)]);
    };
    return { cos: view('cos', cos), sin: view('sin', sin), cosValues: cos, sinValues: sin };
  }

  /** Adds to a witness of integers what has field elements; before it is committed. */
  complete(engine: ProverEngine, witness: FpVec): Promise<FpVec[] | undefined> {
    return this.embedding.complete(engine, witness);
  }

  /**
   * The script. Statement fields: modelRoot, vocabularyRoot, inputHash, outputHash.
   * @param witness in the prover role
   */
  async script(session: Session, witness?: Witness): Promise<void> {
    const { tape } = session;
    const { shape, components } = this;
    const [modelRoot, vocabularyRoot, inputHash, outputHash] = [0, 1, 2, 3].map((i) =>
      tape.public(i),
    );
    session.absorb([
      tape.constant(shape.configHash),
      modelRoot,
      vocabularyRoot,
      inputHash,
      outputHash,
    ]);

    const scope = new Scope(
      session,
      witness && { witness: witness.witness, parameters: witness.parameters },
    );
    const witnessCap = await session.send(
      1 << LOG_CAP,
      'witness commitment',
      () => witness!.witnessCommitment.cap,
    );
    const parameterCap = await session.hint(
      1 << LOG_CAP,
      'parameter commitment',
      () => witness!.parameterCommitment.cap,
    );
    const parameters = await bindRoot(
      session,
      modelRoot,
      shape.configHash,
      { vector: PARAMETER_DOMAIN, root: MODEL_DOMAIN.toBigInt() },
      parameterCap,
      'parameters',
      witness && { sample: witness.parameterSample, salt: witness.salt },
    );
    // The witness's own out-of-domain sample: at the Johnson radius a root alone may stand for several vectors.
    const x = session.challenge();
    const [y] = await session.send(1, 'witness sample', async () => [
      await session.engine.evalPow(witness!.witness, session.value(x)),
    ]);

    const tokens = await TokenColumns.bind(
      session,
      shape.capacity,
      shape.config.vocabSize,
      { input: inputHash, output: outputHash },
      witness?.tokens,
    );
    await this.embedding.script(
      scope,
      tokens.bits,
      vocabularyRoot,
      witness && {
        tree: witness.vocabulary,
        ids: witness.ids,
        states: witness.embeddingStates,
      },
    );
    const traced = (name: string) => (): FpVec =>
      session.engine.fromInts(this.paddedTrace(witness!, name));
    const logits = await this.argmax.script(scope, tokens, traced('head.acc'));
    await Attention.script(scope, components.attentions, (a) => traced(a.softmax.scoresName)());
    await Gemm.script(scope, components.gemms, [logits]);
    await ExpertGemms.script(scope, components.experts);
    await Weighted.script(scope, components.weighted);
    await RmsNorm.script(scope, components.norms);
    await Rope.script(scope, components.ropes);
    await activationScript(scope, components.sigmoids, components.swiglus);
    await Gating.script(scope, components.gatings);
    await this.lookups.script(scope, shape.logSize);

    await openVectors(scope, this.opening, [
      {
        vector: 'witness',
        x,
        y,
        parts: [
          {
            cap: witnessCap,
            width: this.widths.witness,
            commitment: witness?.witnessCommitment,
          },
        ],
      },
      {
        vector: 'parameters',
        ...parameters,
        parts: [
          {
            cap: parameterCap,
            width: this.widths.parameters,
            commitment: witness?.parameterCommitment,
          },
        ],
      },
    ]);
    session.finish();
  }

  /** A traced tensor with its dimensions padded to powers of two. */
  private paddedTrace(witness: Witness, name: string): BigInt64Array {
    const { dims, data } = witness.trace.get(name);
    const padded = dims.map((size, k) => dim(String(k), size));
    if (padded.every((d) => d.size === 2 ** d.log)) return data;
    const out = new BigInt64Array(2 ** padded.reduce((s, d) => s + d.log, 0));
    padTo(padded, (at, from) => {
      if (from >= 0) out[at] = data[from];
    });
    return out;
  }
}

/** Sizes that index selectors, heads and table operands must be powers of two; others are padded. */
function requireSupported({ config, capacity }: Shape): void {
  const sizes: [string, number][] = [
    ['capacity', capacity],
    ['num_attention_heads', config.heads],
    ['qk_nope_head_dim', config.nope],
    ['qk_rope_head_dim', config.rope],
    ['v_head_dim', config.vDim],
    ['n_routed_experts', config.experts],
    ['n_group', config.groups],
    ['num_experts_per_tok', config.topk],
    ['moe_intermediate_size', config.expertInner],
    ['shared expert size', config.expertInner * config.sharedExperts],
    ...(config.firstDense > 0
      ? [['intermediate_size', config.denseInner] as [string, number]]
      : []),
  ];
  for (const [name, size] of sizes)
    if (size !== 2 ** dim(name, size).log)
      throw unsupported(`${name} is no power of two`, 'a power of two', String(size));
  if (!config.normTopk)
    throw unsupported('norm_topk_prob is false', 'norm_topk_prob true', 'false');
}

const unsupported = (what: string, expected: string, got: string): AttensorError =>
  new AttensorError({
    code: 'UNSUPPORTED_CONFIG',
    what: `the circuits do not support this model: ${what}`,
    expected,
    got,
    hint: 'docs/protocol.md lists the limits',
  });
