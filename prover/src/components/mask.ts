/** Which entries of padded dimensions are true ones, from the circuit's shape alone: columns that everyone computes, and padding that is zero. */
import { present } from '@attensor/core';
import type { Expr } from '../protocol/expression.js';
import { belowEval } from '../protocol/polynomials.js';
import type { Scope } from '../protocol/scope.js';
import type { Sumcheck } from '../protocol/sumcheck.js';
import type { Tape, Wire } from '../protocol/tape.js';
import { axis, type Bound } from '../protocol/tensor.js';
import { isFull, padded, type Dim, type ParameterFill } from './builder.js';

const evaluated = (tape: Tape, dims: Dim[], at: Bound): Wire =>
  tape.product(
    dims.map((d) => {
      const point = present(at[d.name], d.name);
      const [blocks, inner] = [
        point.slice(0, d.log - d.block.log),
        point.slice(d.log - d.block.log),
      ];
      return tape.product(
        [[d.size / d.block.size, blocks] as const, [d.block.size, inner] as const].flatMap(
          ([size, bits]) => (size === 2 ** bits.length ? [] : [belowEval(tape, size, bits)]),
        ),
      );
    }),
  );

/** 1 where all indices are below their sizes, 0 elsewhere; nothing where no dimension is padded. */
export function validity(sum: Sumcheck, tape: Tape, dims: Dim[]): Expr | undefined {
  const partial = dims.filter((d) => !isFull(d));
  if (partial.length === 0) return undefined;
  const table = (): bigint[] => {
    const out: bigint[] = [];
    padded(partial, (at, from) => (out[at] = from < 0 ? 0n : 1n));
    return out;
  };
  return sum.public(
    partial.map((d) => d.name),
    table,
    (at) => evaluated(tape, partial, at),
  );
}

/** `value` times the same at a point. */
export function validityAt(tape: Tape, dims: Dim[], at: Bound, value = 1n): Wire {
  const partial = dims.filter((d) => !isFull(d));
  return partial.length === 0
    ? tape.constant(value)
    : tape.scale(evaluated(tape, partial, at), value);
}

/**
 * The parameters' padding is zero, and so is what comes of it: heads, experts and channels that only fill up a power of two give nothing,
 * whatever an owner committed to. A dimension of blocks has padding in each block, and perhaps blocks that are padding.
 */
export function requireZeroPadding(
  scope: Scope,
  parameters: Pick<ParameterFill, 'tensor' | 'dims'>[],
): void {
  const random = ({ name, log }: Pick<Dim, 'name' | 'log'>): Bound => ({
    [name]: scope.random(name, log),
  });
  for (const { tensor, dims } of parameters)
    for (const d of dims.filter((each) => !isFull(each))) {
      const others = Object.assign({}, ...dims.filter((each) => each !== d).map(random)) as Bound;
      const inner = axis(`${d.name} in a block`, d.block.log);
      const outer = axis(`blocks of ${d.name}`, d.log - d.block.log);
      const blocks = tensor.split(d.name, [outer, inner]);
      scope.zeroFrom(blocks, outer.name, d.size / d.block.size, { ...others, ...random(inner) });
      scope.zeroFrom(blocks, inner.name, d.block.size, { ...others, ...random(outer) });
    }
}
