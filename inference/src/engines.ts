/** Choice of the engine. */
import { type Engine, type EngineName, referenceEngine } from './engine.js';

export async function selectEngine(name: EngineName = 'reference'): Promise<Engine> {
  return referenceEngine;
}
