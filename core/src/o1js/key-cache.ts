/** Where the keys of circuits and the reference strings are kept: one folder for all commands. */
import { Cache } from 'o1js';
import { join } from 'node:path';
import { defaultCacheDir } from '../files.js';
import { withGenuineStrings } from './reference-strings.js';

/**
 * Whatever compiles in a process leaves its reference strings to all that verifies later in it, so no cache is without the check of
 * `withGenuineStrings`.
 *
 * @param cacheDir default: ATTENSOR_CACHE or ~/.cache/attensor; made when something is written
 */
export const keyCache = (cacheDir = defaultCacheDir()): Cache =>
  withGenuineStrings(Cache.FileSystem(join(cacheDir, 'keys')));
