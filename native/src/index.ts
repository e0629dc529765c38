/**
 * @module native
 * The C++ addon, typed; it is loaded with the first call. Two halves: the proof engine ({@link ProverEngine}) and the integer model
 * kernels (model.ts). Field elements cross the border as canonical bigints, long vectors stay native as {@link FpVec}.
 */
export { hasAddon, loadAddon } from './addon.js';
export * from './engine.js';
export { engine } from './prover.js';
export * as model from './model.js';
