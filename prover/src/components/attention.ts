/**
 * The products of attention. mul1: acc(h,t,s) = sum_i qn(t,h,i) kn(s,h,i) + sum_i qr(t,h,i) kr(s,i), claimed where the softmax left it.
 * mul2: acc(t,h,v) = sum_s p(h,t,s) V(s,h,v).
 */
import type { NodeOf } from '@attensor/inference';
import type { FpVec } from '@attensor/native';
import { inverse } from '../protocol/field.js';
import type { Scope } from '../protocol/scope.js';
import type { Wire } from '../protocol/tape.js';
import type { Bound, Tensor } from '../protocol/tensor.js';
import { dim, type Builder, type Dim } from './builder.js';
import { proveProducts, Rescaled, type Factor, type Product } from './gemm.js';
import { Softmax } from './softmax.js';

export interface Heads {
  /** query parts over (t, h, i) */
  qNope: Tensor;
  qRope: Tensor;
  /** key parts over (s, h, i) and (s, i) */
  kNope: Tensor;
  kRope: Tensor;
  /** values over (s, h, o) */
  v: Tensor;
}

export class Attention {
  /** context over (t, h, o) */
  readonly context: Tensor;
  private readonly out: Rescaled;

  constructor(
    builder: Builder,
    node: NodeOf<'context'>,
    readonly heads: Heads,
    readonly softmax: Softmax,
    t: Dim,
  ) {
    const dims = [t, dim('h', node.heads), dim('o', node.width)];
    this.out = new Rescaled(builder, node, dims, undefined, node.digits.probability);
    this.context = this.out.y;
  }

  /** @param scores prover only: mul1's accumulators */
  static async script(
    scope: Scope,
    layers: Attention[],
    scores: (a: Attention) => FpVec,
  ): Promise<void> {
    if (layers.length === 0) return;
    const { at, values } = await Softmax.script(
      scope,
      layers.map((a) => a.softmax),
      (_, k) => scores(layers[k]),
    );
    const products: Product[] = [];
    for (const [k, layer] of layers.entries())
      products.push(...(await mul1(scope, layer.heads, at, values[k])));
    for (const layer of layers) products.push(await layer.mul2(scope));
    await proveProducts(scope, products, 'attention');
  }

  private async mul2(scope: Scope): Promise<Product> {
    const [t, h, o] = this.context.axes;
    const at = {
      t: scope.random('t', t.log),
      h: scope.random('h', h.log),
      o: scope.random('v', o.log),
    };
    const scaled = await scope.open(this.out.acc, at, 'mul2: output');
    const { factor } = this.out;
    const claim = factor === 1n ? scaled : scope.session.tape.scale(scaled, inverse(factor));
    const { p } = this.softmax;
    return {
      domain: [h, p.axis('s')],
      terms: [
        [
          { tensor: p, bound: { t: at.t } },
          { tensor: this.heads.v, bound: { o: at.o } },
        ],
      ],
      eq: { h: at.h },
      claim,
    };
  }
}

/** Nope and rope parts as one product when their sizes agree, else as two whose values add up. */
async function mul1(scope: Scope, heads: Heads, at: Bound, claim: Wire): Promise<Product[]> {
  const { t, h, s } = at;
  const nope: Factor[] = [
    { tensor: heads.qNope, bound: { t } },
    { tensor: heads.kNope, bound: { s } },
  ];
  const rope: Factor[] = [
    { tensor: heads.qRope, bound: { t } },
    { tensor: heads.kRope, bound: { s } },
  ];
  const domain = [heads.qNope.axis('h'), heads.qNope.axis('i')];
  const ropeDomain = [heads.qRope.axis('h'), heads.qRope.axis('i')];
  if (domain[1].log === ropeDomain[1].log)
    return [{ domain, terms: [nope, rope], eq: { h }, claim }];
  const { session } = scope;
  const [part] = await session.send(1, 'mul1: rope part', async () => {
    const eqTable = scope.eqs.of(h);
    const q = await scope.table(heads.qRope, ropeDomain, { t });
    const k = await scope.table(heads.kRope, [ropeDomain[1]], { s });
    const size = 2 ** ropeDomain[1].log;
    const weighted = await session.engine.contract(q, 0, [
      { size, stride: 1 },
      { size: eqTable.length, stride: size, weights: eqTable },
    ]);
    return [await session.engine.dot(weighted, k)];
  });
  return [
    { domain, terms: [nope], eq: { h }, claim: session.tape.sub(claim, part) },
    { domain: ropeDomain, terms: [rope], eq: { h }, claim: part },
  ];
}
