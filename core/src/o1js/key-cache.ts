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
 * @param onUse called with the name of each entry that is read or written
 * @param cacheDir default: ATTENSOR_CACHE or ~/.cache/attensor; made when something is written
 */
export function keyCache(cacheDir = defaultCacheDir(), onUse?: (name: string) => void): Cache {
  const cache = withGenuineStrings(wholeFiles(keyFolder(cacheDir)));
  if (!onUse) return cache;
  return {
    ...cache,
    read(header) {
      onUse(header.persistentId);
      return cache.read(header);
    },
    write(header, value) {
      onUse(header.persistentId);
      cache.write(header, value);
    },
  };
}

export const keyFolder = (cacheDir: string): string => join(cacheDir, 'keys');

/** Files of an entry of the cache. */
export const entryFiles = (name: string): string[] => [name, `${name}.header`];

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
        for (const name of entryFiles(header.persistentId))
          renameSync(join(part, name), join(folder, name));
      } finally {
        rmSync(part, { recursive: true, force: true });
      }
    },
  };
}
