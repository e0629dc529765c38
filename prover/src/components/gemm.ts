/**
 * GeMM: acc(t,o) = sum_i X(t,i) W(o,i), y = floor(acc / 2^16). The accumulator is virtual: 2^16 y + r over its cells. At a random
 * (t, o) it becomes a sumcheck over i; all products with the same inner size run as one.
 */
import { present } from '@attensor/core';
import type { NodeOf } from '@attensor/inference';
import { type Expr } from '../protocol/expression.js';
import type { Scope } from '../protocol/scope.js';
import { Sumcheck } from '../protocol/sumcheck.js';
import type { Wire } from '../protocol/tape.js';
import type { Axis, Bound, Tensor } from '../protocol/tensor.js';
import { dim, fromTrace, mapTrace, type Builder, type Dim } from './builder.js';
import { groupBy } from './group.js';

export interface Factor {
  tensor: Tensor;
  bound: Bound;
}

/** sum over `domain` of the product of factors, each a tensor with its other axes bound, optionally eq on domain axes. */
export interface Product {
  domain: Axis[];
  /** Each term is a product; terms are added. */
  terms: Factor[][];
  eq?: Bound;
  claim: Wire;
}

/** Proves product claims; the ones over a same-shaped domain share a sumcheck. */
export async function proveProducts(
  scope: Scope,
  products: Product[],
  label = 'GeMM',
): Promise<void> {
  for (const group of groupBy(products, (p) => p.domain.map((a) => `${a.name}${a.log}`).join())) {
    const sum = new Sumcheck(scope, group[0].domain, label);
    for (const product of group) {
      let expr: Expr | undefined;
      for (const factors of product.terms) {
        const term = factors.map((f) => sum.tensor(f.tensor, f.bound)).reduce((a, b) => a.mul(b));
        expr = expr ? expr.add(term) : term;
      }
      const total = present(expr, 'a term of a product');
      sum.require(product.eq ? sum.eq(product.eq).mul(total) : total, product.claim);
    }
    await sum.run();
  }
}

/** A node that leaves an accumulator and its rescaled value. */
type RescaledNode = Pick<NodeOf<'gemm' | 'context' | 'experts'>, 'name' | 'results'>;

/** y and remainder cells of one rescaled accumulator. */
export class Rescaled {
  readonly y: Tensor;
  /** The accumulator times `factor`: 2^(16 n) y + r, r of n cells. */
  readonly acc: Tensor;
  readonly factor: bigint;

  /**
   * @param y when the value's cells belong to another component
   * @param bits y = floor(acc / 2^bits)
   */
  constructor(
    builder: Builder,
    { name, results }: RescaledNode,
    dims: Dim[],
    y?: Tensor,
    bits = 16,
  ) {
    this.y = y ?? builder.signed(`${name}.y`, dims, fromTrace(results.y.name));
    const cells = Math.ceil(bits / 16);
    const unit = 1n << BigInt(16 * cells);
    const factor = (this.factor = 1n << BigInt(16 * cells - bits));
    const remainder = mapTrace([results.acc.name], (acc) => (factor * acc) & (unit - 1n));
    const r = builder.unsigned(`${name}.r`, dims, cells, remainder);
    this.acc = this.y.times(unit).plus(r);
  }
}

export class Gemm {
  /** over (t, o) */
  readonly y: Tensor;
  /** weights over (o, i) */
  readonly w: Tensor;
  private readonly out: Rescaled;

  /**
   * @param x input over (t, i)
   * @param y output over (t, o) when another component holds its cells
   */
  constructor(
    builder: Builder,
    node: NodeOf<'gemm'>,
    readonly x: Tensor,
    t: Dim,
    y?: Tensor,
  ) {
    const o = dim('o', node.outer, node.blocks);
    const i = dim('i', node.inner, node.innerBlocks);
    this.w = builder.parameter(node.weight.name, [o, i]);
    this.out = new Rescaled(builder, node, [t, o], y);
    this.y = this.out.y;
  }

  async product(scope: Scope): Promise<Product> {
    const t = scope.random('t', this.y.axis('t').log);
    const o = scope.random('o', this.y.axis('o').log);
    const claim = await scope.open(this.out.acc, { t, o }, 'GeMM: output');
    return {
      domain: [this.x.axis('i')],
      terms: [
        [
          { tensor: this.x, bound: { t } },
          { tensor: this.w, bound: { o } },
        ],
      ],
      claim,
    };
  }

  static async script(scope: Scope, gemms: Gemm[], more: Product[] = []): Promise<void> {
    const products = [...more];
    for (const g of gemms) products.push(await g.product(scope));
    await proveProducts(scope, products);
  }
}
