import { AttensorError } from '@attensor/inference';
import { createHash } from 'node:crypto';

/** A tensor by its true dimensions. */
export interface IntTensor {
  dims: number[];
  data: BigInt64Array;
}
export type Tensors = Record<string, IntTensor>;

/** Weights are 32 bit. */
export interface WeightTensor {
  dims: number[];
  data: Int32Array;
}
export type Weights = Record<string, WeightTensor>;

/** SHA-256 of names, dimensions and values, in hexadecimal. */
export function tensorDigest(tensors: Tensors | Weights): string {
  const hash = createHash('sha256');
  for (const [name, { dims, data }] of Object.entries(tensors).sort(([a], [b]) => (a < b ? -1 : 1)))
    hash
      .update(JSON.stringify([name, dims]))
      .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest('hex');
}

/** @throws OVERFLOW for a value of more than 32 bits */
export function weightsOf(tensors: Tensors): Weights {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { dims, data }]) => {
      const at = data.findIndex((v) => v !== BigInt.asIntN(32, v));
      if (at >= 0)
        throw new AttensorError({
          code: 'OVERFLOW',
          what: 'a value is out of range',
          where: `weight '${name}', entry ${at}`,
          expected: `${-(1n << 31n)} .. ${(1n << 31n) - 1n}`,
          got: String(data[at]),
        });
      return [name, { dims, data: Int32Array.from(data, Number) }];
    }),
  );
}
