/** Whether o1js runs a method only to see what it is made of. **Note**: it reaches into o1js. */
import { internalModule, unsupportedO1js } from './modules.js';

interface ContextModule {
  inAnalyze?: () => boolean;
}

/**
 * A function that says whether a method is being analysed. `compile` begins by building every method's whole circuit, from which it
 * takes two things: the kinds of gates, and the proofs that the method verifies. It then builds them again to compile them. A method
 * whose kinds of gates are known need not be built for that.
 *
 * @throws AttensorError when this o1js does not tell
 */
export async function analysis(): Promise<() => boolean> {
  const { inAnalyze } = await internalModule<ContextModule>(
    'lib/provable/core/provable-context.js',
  );
  if (inAnalyze === undefined)
    throw unsupportedO1js('o1js does not tell what it runs a method for');
  return inAnalyze;
}
