/**
 * Softmax over causal scores of each request, with mul1's accumulators as virtual input:
 * C acc = 2^k (max - c - o) + r where unmasked, o (65535 - c) = 0: c = min(max - z, 65535), max >= z; the one-hot `a` shows
 * that the maximum is attained; (c, e) is in the exp table; inv = floor((2^(16 + b) - 1) / sum e); p = floor(e inv / 2^16), 0 where
 * masked. k = 32 and b = 16, or 48 and 31 where attention is long.
 */
import type { FpVec } from '@attensor/native';
import { referenceEngine, type NodeOf } from '@attensor/inference';
import { Expr } from '../protocol/expression.js';
import { lessOrEqualEval } from '../protocol/polynomials.js';
import type { Scope } from '../protocol/scope.js';
import { Sumcheck } from '../protocol/sumcheck.js';
import type { Wire } from '../protocol/tape.js';
import type { Bound, Tensor } from '../protocol/tensor.js';
import { ceilLog2 } from '../protocol/field.js';
import { dim, paddedTensor, type Builder, type Source, type Values } from './builder.js';
import type { PairTable } from './lookups.js';
import { requestDims, type Rows } from './rows.js';

const SATURATED = 65535n;

type SoftmaxResult = Extract<ReturnType<typeof referenceEngine.softmax>, { p: BigInt64Array }>;

/** A softmax of zeros. */
function paddedHeads(
  heads: number,
  T: number,
  { scale, digits }: Pick<NodeOf<'softmax'>, 'scale' | 'digits'>,
): SoftmaxResult {
  const shape = { start: 0, queries: T, keys: T, heads };
  const at = { component: 'padded heads', position: (row: number) => row };
  const zeros = new BigInt64Array(heads * T * T);
  return referenceEngine.softmax(zeros, scale, shape, at, digits) as SoftmaxResult;
}

function lazily<T>(make: () => T): () => T {
  let value: T | undefined;
  return () => (value ??= make());
}

export class Softmax {
  readonly p: Tensor;
  private readonly max: Tensor;
  private readonly c: Tensor;
  private readonly o: Tensor;
  private readonly e: Tensor;
  private readonly attained: Tensor;
  private readonly scoreRemainder: Tensor;
  private readonly probabilityRemainder: Tensor;
  private readonly inv: Tensor;
  private readonly remainder: Tensor;
  private readonly slack: Tensor;

  /** Accumulators in the trace. */
  readonly scoresName: string;
  readonly scale: bigint;
  /** What C acc is divided by, and the exponentials' sum times inv: 2^k and 2^(16 + b) - 1. */
  private readonly unit: bigint;
  private readonly one: bigint;

  constructor(builder: Builder, node: NodeOf<'softmax'>, rows: Rows, table: PairTable) {
    const { name, inputs, results, heads, scale, digits } = node;
    // Heads that fill up to a power of two are computed like any other, from scores of zero.
    const h = dim('h', 2 ** ceilLog2(heads));
    const t = rows.position;
    const ofRows = [...requestDims(rows), h, t];
    const dims = [...ofRows, { ...t, name: 's' }];
    const T = t.size;
    const requests = rows.r?.size ?? 1;
    const all = requests * h.size * T;
    const scoresName = (this.scoresName = inputs[0]);
    this.scale = BigInt(scale);
    this.unit = 1n << BigInt(digits.scale + 20);
    this.one = (1n << BigInt(16 + digits.probability)) - 1n;
    const cells = { score: (digits.scale + 20) / 16, p: Math.ceil(digits.probability / 16) };
    const at = (part: keyof typeof results): string => results[part].name;
    const n = (part: string): string => `${name}.${part}`;
    const padding = lazily(() => paddedHeads(h.size - heads, T, node));
    const value = (trace: Values, part: keyof SoftmaxResult): BigInt64Array => {
      const { data } = trace.get(at(part));
      if (h.size === heads) return data;
      const more = padding()[part];
      const own = data.length / requests;
      const out = new BigInt64Array(data.length + requests * more.length);
      for (let r = 0; r < requests; r++) {
        const start = r * (own + more.length);
        out.set(data.subarray(r * own, (r + 1) * own), start);
        out.set(more, start + own);
      }
      return out;
    };
    const of =
      (part: keyof SoftmaxResult): Source =>
      (trace) =>
        value(trace, part);
    const masked = (f: (trace: Values, k: number, row: number) => bigint) => (trace: Values) =>
      Array.from({ length: all * T }, (_, k) => {
        const row = Math.floor(k / T);
        return k % T <= row % T ? f(trace, k, row) : 0n;
      });
    // Ranged: a field element for a maximum could shift every remainder of its row by the same amount.
    this.max = builder.signed(n('max'), ofRows, of('max'));
    [this.c, this.e] = table.pairs(builder, name, dims, of('c'), of('e'), 0);
    this.o = builder.unsigned(n('o'), dims, 2, of('o'));
    this.scoreRemainder = builder.unsigned(n('r'), dims, cells.score, (trace) => {
      const acc = paddedTensor(trace.get(scoresName));
      return masked((_, k) => (acc[k] * this.scale) & (this.unit - 1n))(trace);
    });
    this.attained = builder.free(n('attained'), dims, (trace) => {
      const c = value(trace, 'c');
      const o = value(trace, 'o');
      const out = new Array<bigint>(all * T).fill(0n);
      for (let row = 0; row < all; row++)
        for (let s = 0; s <= row % T; s++) {
          const k = row * T + s;
          if (c[k] === 0n && o[k] === 0n) {
            out[k] = 1n;
            break;
          }
        }
      return out;
    });
    this.p = builder.unsigned(n('p'), dims, cells.p, of('p'));
    this.probabilityRemainder = builder.unsigned(n('pr'), dims, 1, (trace) => {
      const [e, inv] = [value(trace, 'e'), value(trace, 'inv')];
      return masked((_, k, row) => (e[k] * inv[row]) & 0xffffn)(trace);
    });
    this.inv = builder.unsigned(n('inv'), ofRows, cells.p, of('inv'));
    const ofSums =
      (f: (sum: bigint, rest: bigint) => bigint): Source =>
      (trace) => {
        const [sum, inv] = [value(trace, 'sum'), value(trace, 'inv')];
        return Array.from(sum, (s, row) => f(s, this.one - inv[row] * s));
      };
    this.remainder = builder.unsigned(
      n('rem'),
      ofRows,
      2,
      ofSums((_, rest) => rest),
    );
    this.slack = builder.unsigned(
      n('slack'),
      ofRows,
      2,
      ofSums((sum, rest) => sum - 1n - rest),
    );
  }

  /** sum of the exponentials, through its remainder: E = rem + slack + 1 */
  private get total(): Tensor {
    return this.remainder.plus(this.slack).plusConstant(1n);
  }

  /**
   * @param scores per instance, prover only: mul1's accumulators over (h, t, s), or (r, h, t, s)
   * @returns the point at which each instance's accumulators are claimed, and the claimed values
   */
  static async script(
    scope: Scope,
    instances: Softmax[],
    scores: (s: Softmax, index: number) => FpVec | Promise<FpVec>,
  ): Promise<{ at: Bound; values: Wire[] }> {
    const { axes } = instances[0].p;
    const rowAxes = axes.slice(0, -1);
    const [t, s] = axes.slice(-2);
    const { tape } = scope.session;
    const rowPoint: Bound = {};
    for (const { name, log } of rowAxes) rowPoint[name] = scope.random(name, log);
    const sum = new Sumcheck(scope, axes, 'Softmax');
    const eqRow = sum.eq(rowPoint);
    const eq = sum.eq({ ...rowPoint, s: scope.random('s', s.log) });
    const mask = sum.public(
      ['t', 's'],
      () =>
        Array.from({ length: 2 ** (t.log + s.log) }, (_, k) =>
          k % 2 ** s.log <= Math.floor(k / 2 ** s.log) ? 1n : 0n,
        ),
      (at) => lessOrEqualEval(tape, at.t, at.s),
    );
    const one = Expr.constant(1n);
    const columns: Expr[] = [];
    for (const [k, x] of instances.entries()) {
      const c = sum.tensor(x.c);
      const o = sum.tensor(x.o);
      const e = sum.tensor(x.e);
      const a = sum.tensor(x.attained);
      const acc = sum.virtual(() => scores(x, k));
      columns.push(acc);
      const z = sum.tensor(x.max).sub(c).sub(o);
      const product = acc
        .mul(Expr.constant(x.scale))
        .sub(z.mul(x.unit))
        .sub(sum.tensor(x.scoreRemainder));
      sum.require(eq.mul(mask).mul(product));
      sum.require(eq.mul(o).mul(Expr.constant(SATURATED).sub(c)));
      sum.require(eq.mul(a).mul(a.sub(1n)));
      sum.require(eq.mul(a).mul(one.sub(mask)));
      sum.require(eq.mul(a).mul(c.add(o)));
      sum.require(eqRow.mul(a), tape.constant(1n));
      const total = await scope.open(x.total, rowPoint, 'Softmax: sum of exponentials');
      const weight = mask.mul(e);
      sum.require(eqRow.mul(weight), total);
      const p = sum.tensor(x.p.times(1n << 16n).plus(x.probabilityRemainder));
      sum.require(eq.mul(weight.mul(sum.tensor(x.inv)).sub(p)));
    }
    const at = await sum.run();

    const rows = new Sumcheck(scope, rowAxes, 'Softmax rows');
    const eqRows = rows.eq(rowPoint);
    for (const x of instances) {
      const product = rows.tensor(x.inv).mul(rows.tensor(x.total)).add(rows.tensor(x.remainder));
      rows.require(eqRows.mul(product.sub(x.one)));
    }
    await rows.run();
    return { at, values: columns.map((c) => sum.value(c)) };
  }
}
