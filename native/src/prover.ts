/**
 * @module prover
 * The engine of the compiled addon.
 */
import { addon } from './addon.js';
import type { ProverEngine } from './engine.js';

/** One engine per process; its thread pool is shared by everything in it. */
export const engine = addon.engine as ProverEngine;
