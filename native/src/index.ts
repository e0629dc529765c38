/**
 * @module native
 * Loads the C++ addon and types its two halves: the proof engine ({@link ProverEngine}) and the integer model
 * kernels (model.ts). Field elements cross the border as canonical bigints, long vectors stay native as {@link FpVec}.
 */
export * from './engine.js';
export { engine } from './prover.js';
export * as model from './model.js';
