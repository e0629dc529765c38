/**
 * @module prover
 * The engine of the compiled addon.
 */
import { half } from './addon.js';
import type { ProverEngine } from './engine.js';

/** One engine per process; its thread pool is shared by everything in it. */
export const engine = half<ProverEngine>('engine');
