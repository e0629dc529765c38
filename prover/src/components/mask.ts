/** Which entries of padded dimensions are true ones: a column that everyone computes, from the circuit's shape alone. */
import { present } from '@attensor/core';
import type { Expr } from '../protocol/expression.js';
import { belowEval } from '../protocol/polynomials.js';
import type { Sumcheck } from '../protocol/sumcheck.js';
import type { Tape, Wire } from '../protocol/tape.js';
import type { Bound } from '../protocol/tensor.js';
import { isFull, padded, type Dim } from './builder.js';

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
