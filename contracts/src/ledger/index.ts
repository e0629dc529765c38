/** What a light client recomputes of Mina's ledger: an account's hash, and the root that its path leads to. */
export {
  accountHash,
  emptyAccountHash,
  merge,
  rootOf,
  type AccountJson,
  type PathElement,
} from './account-hash.js';
