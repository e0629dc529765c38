/**
 * What a light client needs of Mina's ledger: an account's permissions as a node tells them, its hash, and the root that its path
 * leads to.
 */
export {
  accountHash,
  emptyAccountHash,
  merge,
  rootOf,
  type AccountJson,
  type PathElement,
} from './account-hash.js';
export {
  PERMISSIONS_SELECTION,
  parsePermissions,
  permissionsFromJson,
  type PermissionsJson,
} from './permissions.js';
