/** Choice of the engine. */
import { type Engine, type EngineName, referenceEngine } from './engine.js';
import { nativeEngine } from './native-engine.js';

/** The native engine unless the reference is asked for. @throws ENGINE_UNAVAILABLE */
export async function selectEngine(
  name: EngineName = 'native',
  signal?: AbortSignal,
): Promise<Engine> {
  return name === 'reference' ? referenceEngine : nativeEngine(signal);
}
