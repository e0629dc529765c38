/**
 * RoPE (RoPE1 on queries, RoPE2 on the shared key): pairs (a, b) of neighbours become
 * floor((a cos - b sin) / 2^16), floor((a sin + b cos) / 2^16), cos and sin at the token's position from the committed table.
 */
import type { NodeOf, RopeAngles } from '@attensor/inference';
import type { Scope } from '../protocol/scope.js';
import { Sumcheck } from '../protocol/sumcheck.js';
import { axis, type Tensor } from '../protocol/tensor.js';
import { dim, fromTrace, type Builder } from './builder.js';
import { groupBy } from './group.js';
import { byRequest, type Rows } from './rows.js';

export interface RotationTable {
  cos: Tensor;
  sin: Tensor;
  /** row-major (position, pair), made when they are needed */
  values(): RopeAngles;
}

export class Rope {
  readonly y: Tensor;
  private readonly remainder: Tensor;

  /** @param x over (t, i) or (t, h, i); i is the rotated axis */
  constructor(
    builder: Builder,
    { name, inputs, results, dims: sizes }: NodeOf<'rope'>,
    readonly x: Tensor,
    private readonly rows: Rows,
    readonly table: RotationTable,
  ) {
    const input = fromTrace(inputs[0]);
    const size = sizes[sizes.length - 1];
    const dims = [rows.t, ...sizes.slice(0, -1).map((heads) => dim('h', heads)), dim('i', size)];
    const row = dims.slice(1).reduce((s, d) => s * d.size, 1);
    this.y = builder.signed(`${name}.y`, dims, fromTrace(results.y.name));
    this.remainder = builder.unsigned(`${name}.r`, dims, 1, (trace) => {
      const xs = input(trace);
      const angles = table.values();
      return Array.from({ length: xs.length }, (_, k) => {
        const position = Math.floor(k / row) % rows.position.size;
        const at = position * (size / 2) + Math.floor((k % size) / 2);
        const cos = BigInt(angles.cos[at]);
        const sin = BigInt(angles.sin[at]);
        const even = k - (k % 2);
        const turned =
          k % 2 === 0 ? xs[even] * cos - xs[even + 1] * sin : xs[even] * sin + xs[even + 1] * cos;
        return turned & 0xffffn;
      });
    });
  }

  static async script(scope: Scope, ropes: Rope[]): Promise<void> {
    for (const group of groupBy(ropes, (r) => r.x.axes.map((a) => `${a.name}${a.log}`).join())) {
      const pair = axis('pair', group[0].x.axis('i').log - 1);
      const [{ rows }] = group;
      const half = (x: Tensor, bit: 0 | 1): Tensor =>
        byRequest(x, rows).split('i', [pair, { bit }]);
      const domain = half(group[0].x, 0).axes;
      const sum = new Sumcheck(scope, domain, 'RoPE');
      const eq = sum.eq(
        Object.fromEntries(domain.map((a) => [a.name, scope.random(a.name, a.log)])),
      );
      for (const rope of group) {
        const a = sum.tensor(half(rope.x, 0));
        const b = sum.tensor(half(rope.x, 1));
        const cos = sum.tensor(rope.table.cos);
        const sin = sum.tensor(rope.table.sin);
        const out = (bit: 0 | 1): Tensor => half(rope.y.times(1n << 16n).plus(rope.remainder), bit);
        sum.require(
          eq.mul(
            a
              .mul(cos)
              .sub(b.mul(sin))
              .sub(sum.tensor(out(0))),
          ),
        );
        sum.require(
          eq.mul(
            a
              .mul(sin)
              .add(b.mul(cos))
              .sub(sum.tensor(out(1))),
          ),
        );
      }
      await sum.run();
    }
  }
}
