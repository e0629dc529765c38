/**
 * The structured reference strings that every verification needs take o1js many seconds to compute. `compile` keeps them in its
 * cache; a process that only verifies loads them from there with this. **Note**: it reaches into o1js, whose public interface has no
 * such setting for `verify`; where the modules are not found as expected, verification works as ever, only its first call is slow.
 */
import type { Cache } from 'o1js';
import { internalModule } from './modules.js';

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

/** log2 of the domains of wrap circuits, of programs that verify at most none, one and two proofs. */
export const WRAP_LOG_DOMAINS = [13, 14, 15];
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
  const { setSrsCache, unsetSrsCache, fp, fq } = await referenceStringModules();
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

/** @throws Error when this version of o1js has them elsewhere */
export async function referenceStringModules(): Promise<CacheModule & Record<'fp' | 'fq', Srs>> {
  const { setSrsCache, unsetSrsCache } = await internalModule<CacheModule>(
    'bindings/crypto/cache.js',
  );
  const { wasm } = await internalModule<BindingsModule>('bindings.js');
  const global = globalThis as {
    __snarkyTsBindings?: { srs(rust: unknown): Record<'fp' | 'fq', Srs> };
  };
  const srs = global.__snarkyTsBindings?.srs(wasm);
  if (srs === undefined) throw Error('loadBases: o1js has no reference strings where expected');
  return { setSrsCache, unsetSrsCache, ...srs };
}
