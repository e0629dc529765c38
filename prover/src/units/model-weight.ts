/** Weights of a model on disk, for units that are proved. */
import type { Model } from '@attensor/inference';
import type { Integers } from '../commitment/integers.js';

/** @throws UNKNOWN_TENSOR; MODEL_CORRUPT and NOT_FOUND when it is read */
export const modelWeight = (model: Model, name: string): Integers => ({
  length: model.size(name),
  read: (from, into) => model.read(name, { from, to: from + into.length }, into),
});
