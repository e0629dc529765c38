/**
 * Forgeries that the predictable challenge of the paper's reference code admits. A prover who knows the random point before it
 * commits patches a false product by a relation of the challenge's powers; every range check is satisfied. The component is the
 * same in both cases here: what rejects the forgery is that the point follows the commitment.
 */
import { describe, expect, it } from '@jest/globals';
import { nodes } from '@attensor/inference';
import { Builder, dim, fromTrace } from '../components/builder.js';
import { Gemm } from '../components/gemm.js';
import { inverse, mod, mul, P } from '../protocol/field.js';
import type { Scope } from '../protocol/scope.js';
import type { Tensor } from '../protocol/tensor.js';
import { objections, traceOfValues, type Mini } from '../testing/mini.js';
import { kernel, W, X, z } from './forgery-gemm.js';

const [t, i] = [dim('t', 2), dim('i', 4)];
const x = X.flat().map(BigInt);
/** Smaller weights than the original's, so that outputs have 32 bits. */
const w = W.flat().map((v) => BigInt(v) >> 8n);
const acc = Array.from({ length: 16 }, (_, k) =>
  [0, 1, 2, 3].reduce((s, n) => s + x[(k >> 3) * 4 + n] * w[(k & 7) * 4 + n], 0n),
);
const relation = kernel.map(BigInt);

function gemm(y: bigint[]): { b: Builder; mini: Mini; input: Tensor } {
  const builder = new Builder();
  const input = builder.signed('x', [t, i], fromTrace('x'));
  const node = nodes.gemm('product', 'x', [8], [4], { tensor: '' }, 'w');
  const g = new Gemm(builder, node, input, t);
  const trace = traceOfValues({
    x: { dims: [2, 4], data: x },
    'product.y': { dims: [2, 8], data: y },
    'product.acc': { dims: [2, 8], data: acc },
  });
  return {
    b: builder,
    input,
    mini: { trace, parameters: { w }, script: (scope) => Gemm.script(scope, [g]) },
  };
}

/** The point whose eq weights are proportional to 1, z, z^2, …: (z^(2^k) / (1 + z^(2^k))), most significant first. */
function predicted(scope: Scope): Scope['random'] {
  const coordinate = (k: number): bigint => {
    let power = z;
    for (let n = 0; n < k; n++) power = mul(power, power);
    return mul(power, inverse(mod(1n + power)));
  };
  const { tape } = scope.session;
  const point = (low: number, log: number): number[] =>
    Array.from({ length: log }, (_, n) => tape.constant(coordinate(low + log - 1 - n)));
  return (name, log) => (name === 't' ? point(3, log) : point(0, log));
}

describe('a product patched for a known challenge', () => {
  const honest = acc.map((v) => v >> 16n);
  const forged = honest.map((v, k) => v + relation[k]);

  it('the relation holds and is short', () => {
    let power = 1n;
    let sum = 0n;
    for (const d of relation) {
      sum += d * power;
      power = mul(power, z);
    }
    expect(mod(sum)).toBe(0n);
    expect(relation.every((d) => d > -(1n << 16n) && d < 1n << 16n)).toBe(true);
  });

  it('the true product is accepted, at any point', async () => {
    const { b, mini } = gemm(honest);
    expect(await objections(b, mini)).toEqual([]);
    const again = gemm(honest);
    expect(await objections(again.b, { ...again.mini, random: predicted })).toEqual([]);
  });

  it('is accepted when the point is known in advance', async () => {
    const { b, mini } = gemm(forged);
    expect(await objections(b, { ...mini, random: predicted })).toEqual([]);
  });

  it('is rejected when the point follows the commitment', async () => {
    const { b, mini } = gemm(forged);
    expect(await objections(b, mini)).toEqual(['GeMM']);
  });

  it('inputs beyond their range have the same value at a known point, and are no cells', async () => {
    const { b, mini, input } = gemm(honest);
    // (x_0, x_1) -> (x_0 + z, x_1 - 1) on the second row, whose weights are z times those of the row before
    let honestValue: bigint | undefined;
    const point = (scope: Scope): Record<string, number[]> => {
      const random = predicted(scope);
      return { t: random('t', 1).map(() => scope.session.tape.constant(1n)), i: random('i', 2) };
    };
    const script: Mini['script'] = async (scope) => {
      const v = await scope.open(input, point(scope), 'input');
      honestValue ??= scope.session.value(v);
      expect(scope.session.value(v)).toBe(honestValue);
    };
    expect(await objections(b, { ...mini, script })).toEqual([]);
    const forgedInputs = await objections(b, {
      ...mini,
      script,
      change: (v, at) => {
        v.set(at('x.0', 4), (v.get(at('x.0', 4)) + z) % P);
        v.set(at('x.0', 5), (v.get(at('x.0', 5)) + P - 1n) % P);
      },
    });
    expect(forgedInputs).toEqual(['range']);
  });
});
