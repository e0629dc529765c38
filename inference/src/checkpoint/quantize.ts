/** Weights to integers: round(w 2^16), nearest, ties to even. */
import { AttensorError } from '@attensor/core';
import { INT32_MAX, INT32_MIN } from '../ints.js';

/** @param first index of the first value in its tensor, for error messages. */
export function quantize(values: Float64Array, tensor: string, first: number): Int32Array {
  const out = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const scaled = values[i] * 65536;
    if (!Number.isFinite(scaled)) {
      throw new AttensorError({
        code: 'NON_FINITE_WEIGHT',
        what: 'a weight is not a finite number',
        where: `tensor '${tensor}', element ${first + i}`,
        got: String(values[i]),
        hint: 'The checkpoint is damaged or its training diverged',
      });
    }
    const rounded = roundHalfEven(scaled);
    if (rounded < INT32_MIN || rounded > INT32_MAX) {
      throw new AttensorError({
        code: 'WEIGHT_RANGE',
        what: 'a weight does not fit int32 at 2^16',
        where: `tensor '${tensor}', element ${first + i}`,
        expected: '-32768 <= weight < 32768',
        got: String(values[i]),
      });
    }
    out[i] = rounded;
  }
  return out;
}

function roundHalfEven(v: number): number {
  const down = Math.floor(v);
  const rest = v - down; // rounded only for |v| < 1/2 next to a binade, where the result below is right all the same
  if (rest !== 0.5) return rest < 0.5 ? down : down + 1;
  return down % 2 === 0 ? down : down + 1;
}
