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

/** What verifying takes. @returns whether the strings were loaded ahead of the first verification */
export function loadReferenceStrings(cache: Cache, maxProofsVerified: 0 | 1): Promise<boolean> {
  const bases = { fp: [], fq: [WRAP_LOG_DOMAINS[maxProofsVerified]] };
  return (loaded[maxProofsVerified] ??= loadBases(cache, bases).catch(() => false));
}

/**
 * Both reference strings, and their Lagrange bases of these sizes: from the cache, or computed and put there.
 *
 * @param logDomains of bases over the strings of step and wrap proofs
 */
export async function loadBases(
  cache: Cache,
  logDomains: Record<'fp' | 'fq', number[]>,
): Promise<boolean> {
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
    const step = fp.create(STEP_SRS_SIZE);
    const wrap = fq.create(WRAP_SRS_SIZE);
    logDomains.fp.forEach((log) => fp.addLagrangeBasis(step, log));
    logDomains.fq.forEach((log) => fq.addLagrangeBasis(wrap, log));
    return true;
  } finally {
    unsetSrsCache();
  }
}
