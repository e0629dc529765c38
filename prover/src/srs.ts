export { loadBases, loadReferenceStrings, withGenuineStrings } from '@attensor/core/o1js';
