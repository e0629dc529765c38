/**
 * The products of attention. mul1: acc(h,t,s) = sum_i qn(t,h,i) kn(s,h,i) + sum_i qr(t,h,i) kr(s,i), claimed where the softmax left it.
 * mul2: acc(t,h,v) = sum_s p(h,t,s) V(s,h,v). Of several requests, both hold for each: s and t are positions of one request.
 */
import type { NodeOf } from '@attensor/inference';
import type { FpVec } from '@attensor/native';
import { add, inverse, mul } from '../protocol/field.js';
import type { Scope } from '../protocol/scope.js';
import type { Wire } from '../protocol/tape.js';
import type { Axis, Bound, Tensor } from '../protocol/tensor.js';
import { dim, type Builder } from './builder.js';
import { proveProducts, Rescaled, type Factor, type Product } from './gemm.js';
import { byRequest, type Rows } from './rows.js';
import { Softmax } from './softmax.js';

export interface Heads {
  /** query parts over (t, h, i); all rows */
  qNope: Tensor;
  qRope: Tensor;
  /** key parts over (t, h, i) and (t, i) */
  kNope: Tensor;
  kRope: Tensor;
  /** values over (t, h, o) */
  v: Tensor;
}

export class Attention {
  /** context over (t, h, o); all rows */
  readonly context: Tensor;
  private readonly out: Rescaled;
  private readonly accumulators: Tensor;
  /** Keys and values over s instead of t; with several requests, all over (r, position, ...). */
  private readonly heads: Heads;

  constructor(
    builder: Builder,
    node: NodeOf<'context'>,
    heads: Heads,
    readonly softmax: Softmax,
    rows: Rows,
  ) {
    const dims = [rows.t, dim('h', node.heads), dim('o', node.width)];
    this.out = new Rescaled(builder, node, dims, undefined, node.digits.probability);
    this.context = this.out.y;
    this.accumulators = byRequest(this.out.acc, rows);
    const queries = (x: Tensor): Tensor => byRequest(x, rows);
    const keys = (x: Tensor): Tensor => queries(x).rename({ t: 's' });
    this.heads = {
      qNope: queries(heads.qNope),
      qRope: queries(heads.qRope),
      kNope: keys(heads.kNope),
      kRope: keys(heads.kRope),
      v: keys(heads.v),
    };
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
    const { axes } = this.accumulators;
    const at: Bound = {};
    for (const { name, log } of axes) at[name] = scope.random(name === 'o' ? 'v' : name, log);
    const scaled = await scope.open(this.accumulators, at, 'mul2: output');
    const { factor } = this.out;
    const claim = factor === 1n ? scaled : scope.session.tape.scale(scaled, inverse(factor));
    const { p } = this.softmax;
    const instances = axes.filter(({ name }) => name === 'r' || name === 'h');
    return {
      domain: [...instances, p.axis('s')],
      terms: [
        [
          { tensor: p, bound: { t: at.t } },
          { tensor: this.heads.v, bound: { o: at.o } },
        ],
      ],
      eq: pointsOf(instances, at),
      claim,
    };
  }
}

const pointsOf = (axes: Axis[], at: Bound): Bound =>
  Object.fromEntries(axes.map(({ name }) => [name, at[name]]));

/** Nope and rope parts as one product when their sizes agree, else as two whose values add up. */
async function mul1(scope: Scope, heads: Heads, at: Bound, claim: Wire): Promise<Product[]> {
  const { t, s } = at;
  const nope: Factor[] = [
    { tensor: heads.qNope, bound: { t } },
    { tensor: heads.kNope, bound: { s } },
  ];
  const rope: Factor[] = [
    { tensor: heads.qRope, bound: { t } },
    { tensor: heads.kRope, bound: { s } },
  ];
  const instances = heads.qNope.axes.filter(({ name }) => name === 'r' || name === 'h');
  const requests = instances.filter(({ name }) => name === 'r');
  const eq = pointsOf(instances, at);
  const [width, ropeWidth] = [heads.qNope.axis('i'), heads.qRope.axis('i')];
  const [domain, ropeDomain] = [
    [...instances, width],
    [...instances, ropeWidth],
  ];
  if (width.log === ropeWidth.log) return [{ domain, terms: [nope, rope], eq, claim }];
  const { session } = scope;
  const [part] = await session.send(1, 'mul1: rope part', async () => {
    const { engine } = session;
    const weights = scope.eqs.of(at.h);
    const q = await scope.table(heads.qRope, ropeDomain, { t });
    const k = await scope.table(heads.kRope, [...requests, ropeWidth], { s });
    const size = 2 ** ropeWidth.log;
    const ofRequests = requests.length > 0 ? scope.eqs.of(at.r).toBigints() : [1n];
    let sum = 0n;
    for (const [r, weight] of ofRequests.entries()) {
      const own = await engine.contract(q, r * weights.length * size, [
        { size, stride: 1 },
        { size: weights.length, stride: size, weights },
      ]);
      sum = add(sum, mul(weight, await engine.dot(own, k.slice(r * size, size))));
    }
    return [sum];
  });
  return [
    { domain, terms: [nope], eq, claim: session.tape.sub(claim, part) },
    { domain: ropeDomain, terms: [rope], eq, claim: part },
  ];
}
