/**
 * The structured reference strings that verifying takes o1js some twenty seconds to compute when it
 * first needs them. This loads them from a cache before that, or puts them there.
 *
 * **Note**: it reaches into o1js, whose public interface has no such setting for `verify`; where the
 * modules are not found as expected, verification works as ever, only its first call is slow.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Cache } from 'o1js';

export { loadReferenceStrings };

interface Srs {
  create(size: number): unknown;
  addLagrangeBasis(srs: unknown, logSize: number): void;
}
interface CacheModule {
  setSrsCache(cache: Cache): void;
  unsetSrsCache(): void;
}

/** Wrap circuits of programs that verify none, one and two proofs. */
const WRAP_LOG_DOMAINS = [13, 14, 15];
const WRAP_SRS_SIZE = 2 ** 15;
const STEP_SRS_SIZE = 2 ** 16;

/** @returns whether they were loaded */
async function loadReferenceStrings(cache: Cache): Promise<boolean> {
  try {
    const root = dirname(createRequire(import.meta.url).resolve('o1js'));
    const internal = async <T>(path: string): Promise<T> =>
      (await import(pathToFileURL(join(root, path)).href)) as T;
    const { setSrsCache, unsetSrsCache } = await internal<CacheModule>('bindings/crypto/cache.js');
    const { wasm } = await internal<{ wasm: unknown }>('bindings.js');
    const { __snarkyTsBindings } = globalThis as {
      __snarkyTsBindings?: { srs(rust: unknown): { fp: Srs; fq: Srs } };
    };
    const { fp, fq } = __snarkyTsBindings!.srs(wasm);
    setSrsCache(cache);
    try {
      fp.create(STEP_SRS_SIZE);
      const wrap = fq.create(WRAP_SRS_SIZE);
      for (const logDomain of WRAP_LOG_DOMAINS) fq.addLagrangeBasis(wrap, logDomain);
      return true;
    } finally {
      unsetSrsCache();
    }
  } catch {
    return false;
  }
}
