/** A tensor by its true dimensions. */
export interface IntTensor {
  dims: number[];
  data: BigInt64Array;
}
export type Tensors = Record<string, IntTensor>;
