/** Weights of a unit by what they are: dimensions, and realistic random values. */
import type { Sample } from './sample.js';
import type { Weights, WeightTensor } from './tensors.js';

export interface WeightShapes {
  gains: Record<string, number[]>;
  matrices: Record<string, number[]>;
  biases: Record<string, number[]>;
}

/** In the order gains, matrices, biases. */
export const dimensionsOf = ({
  gains,
  matrices,
  biases,
}: WeightShapes): Record<string, number[]> => ({
  ...gains,
  ...matrices,
  ...biases,
});

export function sampleWeights({ gains, matrices, biases }: WeightShapes, random: Sample): Weights {
  const fill = (
    shapes: Record<string, number[]>,
    make: (dims: number[]) => WeightTensor,
  ): Weights =>
    Object.fromEntries(Object.entries(shapes).map(([name, dims]) => [name, make(dims)]));
  return {
    ...fill(gains, random.gains),
    ...fill(matrices, random.weights),
    ...fill(biases, random.biases),
  };
}
