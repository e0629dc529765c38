/**
 * The structured reference strings that every verification needs take o1js many seconds to compute. `compile` keeps them in its
 * cache; a process that only verifies loads them from there with this. **Note**: it reaches into o1js, whose public interface has no
 * such setting for `verify`; where the modules are not found as expected, verification works as ever, only its first call is slow.
 */
import type { Cache } from 'o1js';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Srs {
  create(size: number): unknown;
  addLagrangeBasis(srs: unknown, logSize: number): void;
}
interface CacheModule {
  setSrsCache(cache: Cache): void;
  unsetSrsCache(): void;
}
interface BindingsModule {
  wasm: unknown;
}

/** Wrap circuits of programs that verify at most no proof, or one. */
const WRAP_LOG_DOMAINS = [13, 14];
const WRAP_SRS_SIZE = 2 ** 15;
const STEP_SRS_SIZE = 2 ** 16;

const loaded: (Promise<boolean> | undefined)[] = [];

/** @returns whether the strings were loaded ahead of the first verification */
export function loadReferenceStrings(cache: Cache, maxProofsVerified: 0 | 1): Promise<boolean> {
  return (loaded[maxProofsVerified] ??= load(cache, maxProofsVerified).catch(() => false));
}

async function load(cache: Cache, maxProofsVerified: 0 | 1): Promise<boolean> {
  const root = dirname(createRequire(import.meta.url).resolve('o1js'));
  const internal = async (path: string): Promise<unknown> =>
    import(pathToFileURL(join(root, path)).href);
  const { setSrsCache, unsetSrsCache } = (await internal(
    'bindings/crypto/cache.js',
  )) as CacheModule;
  const { wasm } = (await internal('bindings.js')) as BindingsModule;
  const global = globalThis as {
    __snarkyTsBindings?: { srs(rust: unknown): { fp: Srs; fq: Srs } };
  };
  const { fp, fq } = global.__snarkyTsBindings!.srs(wasm);
  setSrsCache(cache);
  try {
    fp.create(STEP_SRS_SIZE);
    fq.addLagrangeBasis(fq.create(WRAP_SRS_SIZE), WRAP_LOG_DOMAINS[maxProofsVerified]);
    return true;
  } finally {
    unsetSrsCache();
  }
}
