/** Where the keys of circuits and the reference strings are kept: one folder for all commands. */
import { Cache } from 'o1js';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
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
  withGenuineStrings(wholeFiles(join(cacheDir, 'keys')));

/** o1js's cache of files, but for how it writes: a process that reads at the same time sees the old entry or the new one, no part. */
function wholeFiles(folder: string): Cache {
  return {
    ...Cache.FileSystem(folder),
    write(header, data) {
      mkdirSync(folder, { recursive: true });
      const part = mkdtempSync(join(folder, 'part-'));
      try {
        Cache.FileSystem(part).write(header, data);
        // the header says whose data it is
        for (const name of [header.persistentId, `${header.persistentId}.header`])
          renameSync(join(part, name), join(folder, name));
      } finally {
        rmSync(part, { recursive: true, force: true });
      }
    },
  };
}
