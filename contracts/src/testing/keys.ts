import { keyCache } from '@attensor/core/o1js';
import type { Cache } from 'o1js';

/** Where tests keep the contract's keys: where the commands do, so that a run of all tests compiles them once. */
export const contractKeys = (): Cache => keyCache();
