/**
 * head and argmax: for positions t whose successor is an output token, d(t,v) = K(t) - key(t,v) >= 0 for every v, with
 * key = acc 2^b + (2^b - 1 - v), K(t) = top 2^b + (2^b - 1 - next_t) and d(t, next_t) = 0: so `top` is the successor's accumulator,
 * and its key is the largest. Other positions: d = 0. `top` is ranged: were it any field element, weights that are no integers could
 * tie two tokens. The accumulators of `head` are virtual; the sumcheck leaves a claim that a GeMM proves.
 */
import type { NodeOf } from '@attensor/inference';
import type { FpVec } from '@attensor/native';
import { belowEval, identityEval } from '../protocol/polynomials.js';
import type { Scope } from '../protocol/scope.js';
import { Sumcheck } from '../protocol/sumcheck.js';
import type { Tensor } from '../protocol/tensor.js';
import { dim, type Builder, type Dim, type Source, type Values } from './builder.js';
import type { Product } from './gemm.js';
import type { TokenColumns } from './tokens.js';

/** acc has 48 bits, keys have b more: differences fit 64 bits for vocabularies up to 2^16. */
export const MAX_VOCABULARY = 2 ** 18;
const differenceCells = (b: number): number => Math.max(4, Math.ceil((48 + b) / 16));
const TOP_CELLS = 3;
const TOP_OFFSET = 1n << 47n;

export class Argmax {
  readonly w: Tensor;
  readonly dims: [t: Dim, o: Dim];
  /** Accumulators in the trace. */
  readonly logits: string;
  private readonly top: Tensor;
  private readonly difference: Tensor;

  constructor(
    builder: Builder,
    { results, weight, outer, inner }: NodeOf<'logits'>,
    readonly x: Tensor,
    t: Dim,
  ) {
    const o = dim('o', outer);
    this.dims = [t, o];
    const logits = (this.logits = results.acc.name);
    this.w = builder.parameter(weight.name, [o, dim('i', inner)]);
    const key = (trace: Values, row: number, v: number): bigint =>
      (trace.get(logits).data[row * o.size + v] << BigInt(o.log)) + BigInt(2 ** o.log - 1 - v);
    const top: Source = (trace) => {
      const acc = trace.get(logits).data;
      return trace
        .successors()
        .map((next, row) => (next < 0 ? 0n : acc[row * o.size + next] + TOP_OFFSET));
    };
    this.top = builder.unsigned('head.top', [t], TOP_CELLS, top).plusConstant(-TOP_OFFSET);
    this.difference = builder.unsigned('head.d', this.dims, differenceCells(o.log), (trace) => {
      const next = trace.successors();
      return Array.from({ length: t.size * o.size }, (_, i) => {
        const row = Math.floor(i / o.size);
        return next[row] < 0 ? 0n : key(trace, row, next[row]) - key(trace, row, i % o.size);
      });
    });
  }

  /** @param logits prover only: head's accumulators (t, o) */
  async script(scope: Scope, tokens: TokenColumns, logits: () => FpVec): Promise<Product> {
    const { tape } = scope.session;
    const [t, o] = [this.x.axis('t'), this.w.axis('o')];
    const sum = new Sumcheck(scope, [t, o], 'argmax');
    const eqRow = sum.eq({ t: scope.random('t', t.log) });
    const eq = sum.eq({ t: scope.random('t', t.log), o: scope.random('o', o.log) });
    const acc = sum.virtual(logits);
    const mask = sum.public(['t'], tokens.outputMask, (at) => tokens.outputMaskAt(at.t));
    const successor = sum.public(['t', 'o'], tokens.successors, (at) =>
      tokens.successorsAt(at.t, at.o),
    );
    const index = sum.public(
      ['o'],
      () => Array.from({ length: 2 ** o.log }, (_, v) => BigInt(v)),
      (at) => identityEval(tape, at.o),
    );
    const { size } = this.dims[1];
    const difference = sum.tensor(this.difference);
    const next = sum.public(['t'], tokens.nextIds, (at) => tokens.nextIdAt(at.t));
    // K - key
    const gap = sum
      .tensor(this.top)
      .sub(acc)
      .mul(1n << BigInt(o.log))
      .sub(next)
      .add(index);
    let required = mask.mul(gap);
    if (size !== 2 ** o.log)
      required = required.mul(
        sum.public(
          ['o'],
          () => Array.from({ length: 2 ** o.log }, (_, v) => (v < size ? 1n : 0n)),
          (at) => belowEval(tape, size, at.o),
        ),
      );
    sum.require(eq.mul(required.sub(difference)));
    sum.require(eqRow.mul(successor).mul(difference));
    const at = await sum.run();
    return {
      domain: [this.x.axis('i')],
      terms: [
        [
          { tensor: this.x, bound: { t: at.t } },
          { tensor: this.w, bound: { o: at.o } },
        ],
      ],
      claim: sum.value(acc),
    };
  }
}
