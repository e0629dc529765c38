/**
 * Everything that Attensor takes from inside o1js, beyond its public interface. `o1js.test.ts` says which of it a new version of
 * o1js breaks.
 */
export { analysis } from './analysis.js';
export { hashNatively } from './native-hashing.js';
export { entryFiles, keyCache, keyFolder } from './key-cache.js';
export {
  internals,
  hashZkappCommand,
  type Internals,
  type FieldEncoding,
  type LedgerState,
  type MlAccount,
  type MlLedger,
  type MlTree,
} from './internals.js';
export {
  keepReferenceStrings,
  loadBases,
  loadReferenceStrings,
  REFERENCE_STRING_HASHES,
  withGenuineStrings,
  WRAP_LOG_DOMAINS,
} from './reference-strings.js';
export {
  permutationGates,
  type InnerStates,
  type PermutationGates,
  type PermutationState,
} from './permutation-gates.js';
