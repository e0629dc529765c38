/**
 * @module units/wiring
 * The architecture's nodes as components: each operation's tensors and relations, wired by the names of results.
 */
import { present } from '@attensor/core';
import type { LayerNode, NodeOf } from '@attensor/inference';
import { Attention } from '../components/attention.js';
import { dim, type Builder, type Dim } from '../components/builder.js';
import { Exponentials } from '../components/exponentials.js';
import { Gating } from '../components/gating.js';
import { Gemm } from '../components/gemm.js';
import type { PairTable } from '../components/lookups.js';
import { CombinedExperts, ExpertGemms } from '../components/moe.js';
import { RmsNorm } from '../components/rms-norm.js';
import { Rope, type RotationTable } from '../components/rope.js';
import type { Rows } from '../components/rows.js';
import { Sigmoid, SwiGlu } from '../components/sigmoid.js';
import { Softmax } from '../components/softmax.js';
import type { Tensor } from '../protocol/tensor.js';
import { Relations } from './relations.js';

/** What components read besides tensors: each present where a node needs it. */
export interface Tables {
  exp?: PairTable;
  sigmoid?: PairTable;
  rotation?: RotationTable;
}

/** A GeMM leaves (t, o), heads (t, h, o), slots (t, j, o); as an input, i is the last axis. */
const asInput = (x: Tensor): Tensor =>
  x.axes.some((a) => a.name === 'o') ? x.rename({ o: 'i' }) : x;
const hasHeads = (x: Tensor): boolean => x.axes.some((a) => a.name === 'h');

export class Wiring {
  /** What is to be proved. */
  readonly relations = new Relations();
  /** By the names of results. */
  private readonly tensors = new Map<string, Tensor>();
  private readonly sigmoids = new Map<string, Sigmoid>();
  private readonly softmaxes = new Map<string, Softmax>();
  private readonly scores = new Map<string, NodeOf<'scores'>>();
  /** Sigmoids by what they read: their cells are those of the GeMM before them. */
  private readonly sigmoidAfter = new Map<string, NodeOf<'sigmoid'>>();
  /** Products of experts by what they read. */
  private readonly experts = new Map<string, ExpertGemms>();

  constructor(
    private readonly builder: Builder,
    private readonly rows: Rows,
    private readonly tables: Tables,
  ) {}

  private get t(): Dim {
    return this.rows.t;
  }

  /** @param x what `name` stands for, where no node gives it */
  set(name: string, x: Tensor): void {
    this.tensors.set(name, x);
  }

  get(name: string): Tensor {
    return present(this.tensors.get(name), `the tensor ${name}`);
  }

  /** Declares the nodes' cells and notes their relations. */
  add(nodes: readonly LayerNode[]): void {
    for (const node of nodes)
      if (node.op === 'sigmoid') this.sigmoidAfter.set(node.inputs[0], node);
    for (const node of nodes) this.declare[node.op](node as never);
  }

  private readonly declare: { readonly [O in LayerNode['op']]: (node: NodeOf<O>) => void } = {
    norm: (node) => {
      const norm = new RmsNorm(this.builder, node, asInput(this.get(node.inputs[0])), this.t);
      this.relations.norms.push(norm);
      this.set(node.results.y.name, norm.y);
    },
    gemm: (node) => {
      const given = this.get(node.inputs[0]);
      const x = hasHeads(given) ? given.join(['h', 'o'], 'i') : asInput(given);
      const { name, dims } = node.results.y;
      const product = new Gemm(this.builder, node, x, this.t, this.sigmoidOf(name)?.x);
      this.relations.gemms.push(product);
      const [, ...row] = dims as number[];
      const [heads, width] = row;
      const perHead = row.length > 1;
      this.set(
        name,
        perHead ? product.y.split('o', [dim('h', heads), dim('o', width)]) : product.y,
      );
    },
    rope: (node) => {
      const { rotation } = this.tables;
      const x = asInput(this.get(node.inputs[0]));
      const table = present(rotation, 'the table of rotations');
      const turned = new Rope(this.builder, node, x, this.rows, table);
      this.relations.ropes.push(turned);
      this.set(node.results.y.name, turned.y);
    },
    scores: (node) => {
      this.scores.set(node.results.acc.name, node);
    },
    softmax: (node) => {
      const exp = present(this.tables.exp, 'the table of exponentials');
      const softmax = new Softmax(this.builder, node, this.rows, exp);
      this.softmaxes.set(node.results.p.name, softmax);
    },
    context: (node) => {
      const [p, v] = node.inputs;
      const softmax = present(this.softmaxes.get(p), `the softmax ${p}`);
      const scores = present(this.scores.get(softmax.scoresName), softmax.scoresName);
      const [qNope, kNope, qRope, kRope] = scores.inputs.map((name) => asInput(this.get(name)));
      const heads = { qNope, qRope, kNope, kRope, v: this.get(v) };
      const attended = new Attention(this.builder, node, heads, softmax, this.rows);
      this.relations.attentions.push(attended);
      this.set(node.results.y.name, attended.context);
    },
    add: ({ inputs, results }) => {
      const terms = inputs.map((name) => {
        const x = asInput(this.get(name));
        return x.axes.some((a) => a.name === 'j') ? x.sum('j') : x;
      });
      this.set(
        results.y.name,
        terms.reduce((a, b) => a.plus(b)),
      );
    },
    sigmoid: (node) => {
      const { sigma } = node.results;
      if (!this.sigmoids.has(sigma.name)) this.declareSigmoid(node);
    },
    exponentials: (node) => {
      const x = this.get(node.inputs[0]).rename({ o: 'e' });
      const table = present(this.tables.exp, 'the table of exponentials');
      const exponentials = new Exponentials(this.builder, node, x, this.t, table);
      this.relations.exponentials.push(exponentials);
      this.set(node.results.e.name, exponentials.e);
    },
    gated: (node) => {
      const [, sigma, up] = node.inputs;
      const sigmoid = present(this.sigmoids.get(sigma), `the sigmoid ${sigma}`);
      const dims = this.rowDims(node.dims);
      const glu = new SwiGlu(this.builder, node, sigmoid, this.get(up), dims);
      this.relations.swiglus.push(glu);
      this.set(node.results.act.name, glu.act);
    },
    gating: (node) => {
      const [score, choice = score] = node.inputs.map((name) => this.get(name).rename({ o: 'e' }));
      const gating = new Gating(this.builder, node, score, choice, this.t);
      this.relations.gatings.push(gating);
      this.set(node.results.expert.name, gating.selection);
      this.set(node.results.weight.name, gating.weight);
    },
    experts: (node) => {
      const [x, expert] = node.inputs;
      const key = `${x} ${expert}`;
      let group = this.experts.get(key);
      if (!group) {
        group = new ExpertGemms(asInput(this.get(x)), this.get(expert));
        this.experts.set(key, group);
        this.relations.experts.push(group);
      }
      const { name } = node.results.y;
      this.set(name, group.add(this.builder, node, this.t, this.sigmoidOf(name)?.x));
    },
    weighted: (node) => {
      const [y, weight] = node.inputs.map((name) => this.get(name));
      const combined = new CombinedExperts(this.builder, node, y, weight, this.t);
      this.relations.combinations.push(combined);
      this.set(node.results.y.name, combined.y);
    },
  };

  /** The sigmoid that reads a result, declared before the node that gives it: the input has no cells but the sigmoid's. */
  private sigmoidOf(result: string): Sigmoid | undefined {
    const node = this.sigmoidAfter.get(result);
    return node && this.declareSigmoid(node);
  }

  private declareSigmoid(node: NodeOf<'sigmoid'>): Sigmoid {
    const table = present(this.tables.sigmoid, 'the table of the sigmoid');
    const dims = this.rowDims(node.dims, node.blocks);
    const sigmoid = new Sigmoid(this.builder, node, dims, table);
    this.relations.sigmoids.push(sigmoid);
    this.sigmoids.set(node.results.sigma.name, sigmoid);
    this.set(node.results.sigma.name, sigmoid.sigma);
    return sigmoid;
  }

  /** Of a row, or of a token's slots. */
  private rowDims(row: number[], blocks = 1): Dim[] {
    const slots = row.slice(0, -1).map((ranks) => dim('j', ranks));
    return [this.t, ...slots, dim('o', row[row.length - 1], blocks)];
  }
}
