/**
 * @module scaling/split
 * A layer of a model whose weights do not fit one vector: the weights lie in one long vector that is committed in parts of 2^partLog
 * entries, the layer's tensors in a witness of their own. Claims are reduced over the long vector; the first coordinates of the
 * point that is left weigh the parts, and all parts open together with the witness. Only the shape is here, made of the components
 * that prove a model: sizes, tape and circuits are counted, nothing of that size has been proved.
 */
import { AttensorError, expTable, sigmoidTable, type ModelConfig } from '@attensor/inference';
import { MODEL_DOMAIN } from '@attensor/contracts';
import { plan, type Segment } from '../circuits/planner.js';
import { Attention } from '../components/attention.js';
import { Builder, dim } from '../components/builder.js';
import { Embedding } from '../components/embedding.js';
import { Gating } from '../components/gating.js';
import { Gemm } from '../components/gemm.js';
import { Lookups, PairTable } from '../components/lookups.js';
import { ExpertGemms, Weighted } from '../components/moe.js';
import { RmsNorm } from '../components/rms-norm.js';
import { Rope } from '../components/rope.js';
import { activationScript } from '../components/sigmoid.js';
import { LOG_INV_RATE } from '../commitment/model-commitment.js';
import { PARAMETER_DOMAIN } from '../protocol/domains.js';
import { attention, feedForwardLayer, noComponents, norm } from '../units/layers.js';
import { ceilLog2 } from '../protocol/field.js';
import {
  leafWidth,
  LOG_CAP,
  MAX_LOG_SIZE,
  openingParameters,
  type OpeningParameters,
} from '../commitment/parameters.js';
import { Scope } from '../protocol/scope.js';
import { Session } from '../protocol/session.js';
import type { V } from '../protocol/tape.js';
import type { Tensor } from '../protocol/tensor.js';
import { bindRoot, openVectors } from '../commitment/vectors.js';

/** of a permutation that absorbs two elements: three elements before the first round and after each of 55 */
const STATES_PER_STEP = 3 * 56;

/** What a part of the model is: a layer, or embedding, last norm and head. */
export type LayerKind = 'dense' | 'moe' | 'boundary';

export class SplitLayer {
  readonly b = new Builder();
  readonly components = noComponents();
  /** log2 of the witness's size */
  readonly witnessLog: number;
  readonly opening: OpeningParameters;
  /** Entries of a leaf: of the witness, and of each part of the weights. */
  readonly widths: { witness: number; parts: number[] };
  private readonly lookups: Lookups;
  private readonly embedding: Embedding | undefined;
  private readonly input: Tensor;
  private readonly output: Tensor;

  /** @throws UNSUPPORTED_CONFIG when the witness does not fit one part */
  constructor(
    readonly config: ModelConfig,
    readonly kind: LayerKind,
    readonly capacity: number,
    partLog = MAX_LOG_SIZE,
  ) {
    const { b, components } = this;
    const { hiddenSize } = config;
    const t = dim('t', capacity);
    const i = dim('i', hiddenSize);
    const none = (): bigint[] => [];
    const angles = [t, dim('pair', config.rope / 2)];
    const table = (name: string): Tensor => b.parameter(`table.${name}`, angles);
    const tables = {
      exp: new PairTable(b, 'exp', 1, expTable()),
      sigmoid: new PairTable(b, 'sigmoid', 2, sigmoidTable()),
    };
    const rotation = { cos: table('cos'), sin: table('sin'), cosValues: [], sinValues: [] };
    const context = { b, config, t, parameters: none, tables, rotation, out: components } as const;
    const layer = { ...context, parameters: () => [] };
    if (kind === 'boundary') {
      this.embedding = new Embedding(b, [t, i], true);
      this.input = this.embedding.x;
      const last = b.signed('last', [t, i], none);
      const normed = norm(layer, 'final_norm', last, 'last', hiddenSize, config.eps);
      const o = dim('o', config.vocabSize);
      const head = new Gemm(b, 'head', normed, b.parameter('head', [o, i]), [t, o]);
      components.gemms.push(head);
      this.output = last;
    } else {
      this.input = b.signed('x', [t, i], none);
      const mid = attention(layer, '', this.input, 'x');
      this.output = feedForwardLayer(layer, '', mid, kind === 'moe');
    }
    const used = kind === 'boundary' ? [] : [tables.exp, tables.sigmoid];
    this.lookups = new Lookups(b, used);
    this.witnessLog = b.witness.seal();
    const log = Math.min(partLog, Math.max(this.witnessLog, b.parameters.seal()));
    if (this.witnessLog > log)
      throw new AttensorError({
        code: 'UNSUPPORTED_CONFIG',
        what: 'the witness of a layer does not fit one part',
        where: `${kind} layer, ${capacity} positions`,
        expected: `at most 2^${log} entries`,
        got: `2^${this.witnessLog}`,
        hint: 'Take larger parts or fewer tokens',
      });
    this.opening = openingParameters(log, LOG_INV_RATE);
    const count = Math.ceil(b.parameters.end / 2 ** log);
    this.widths = {
      witness: leafWidth(b.witness.end, log),
      parts: Array.from({ length: count }, (_, k) =>
        leafWidth(Math.min(2 ** log, b.parameters.end - k * 2 ** log), log),
      ),
    };
  }

  /** Field elements of all states of the row hashes; 0 where rows are not hashed. */
  get hashedStates(): number {
    const { log } = this.input.views[0].block;
    return this.embedding ? STATES_PER_STEP * 2 ** (log - 1) : 0;
  }

  /** Circuits that verify the layer. */
  async circuits(): Promise<Segment[]> {
    const session = new Session({});
    await this.script(session);
    return plan(session.tape);
  }

  private async script(session: Session): Promise<void> {
    const { tape } = session;
    const { components, opening, config } = this;
    const [model, statement] = [0, 1].map((k) => tape.public(k));
    session.absorb([model, statement]);
    const never = (): never => {
      throw new Error('split: only the shape of this script exists');
    };
    const scope = new Scope(session);
    const witnessCap = await session.send(1 << LOG_CAP, 'witness commitment', never);
    const caps: V[][] = [];
    for (const k of this.widths.parts.keys())
      caps.push(await session.hint(1 << LOG_CAP, `part ${k}: commitment`, never));
    const domains = { vector: PARAMETER_DOMAIN, root: MODEL_DOMAIN.toBigInt() };
    const weights = await bindRoot(session, model, 0n, domains, caps.flat(), 'parameters');
    const x = session.challenge();
    const [y] = await session.send(1, 'witness sample', never);

    if (this.embedding) {
      const ids = await session.hint(this.capacity, 'tokens', never);
      const bits = ids.map((id) => tape.bits(id, ceilLog2(config.vocabSize)));
      await this.embedding.script(scope, bits, statement);
    }
    if (components.attentions.length > 0)
      await Attention.script(scope, components.attentions, never);
    await Gemm.script(scope, components.gemms);
    await ExpertGemms.script(scope, components.experts);
    await Weighted.script(scope, components.weighted);
    await RmsNorm.script(scope, components.norms);
    await Rope.script(scope, components.ropes);
    await activationScript(scope, components.sigmoids, components.swiglus);
    await Gating.script(scope, components.gatings);
    await this.lookups.script(scope, this.witnessLog);
    // What a neighbour claims of the same tensor at the same point.
    for (const tensor of [this.input, this.output])
      await scope.open(
        tensor,
        Object.fromEntries(tensor.axes.map((a) => [a.name, scope.random(a.name, a.log)])),
        'layer: input and output',
      );

    const { witness, parts } = this.widths;
    await openVectors(scope, opening, [
      { vector: 'witness', x, y, parts: [{ cap: witnessCap, width: witness }] },
      {
        vector: 'parameters',
        ...weights,
        parts: parts.map((width, k) => ({ cap: caps[k], width })),
      },
    ]);
    session.finish();
  }
}
