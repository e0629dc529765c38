export { loadBases, loadReferenceStrings } from '@attensor/core/o1js';
