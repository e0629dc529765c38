/**
 * The structured reference strings that every verification needs take o1js many seconds to compute. `compile` keeps them in its
 * cache; a process that only verifies loads them from there with this. **Note**: it reaches into o1js, whose public interface has no
 * such setting for `verify`; where the modules are not found as expected, verification works as ever, only its first call is slow.
 */
import { createHash } from 'node:crypto';
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

/**
 * SHA-256 of the cache's files. They are constants of o1js: another version that writes them otherwise only finds none that it may
 * take and computes them again, and `reference-strings.test.ts` says so. The points are the ones whose hash is built into the page
 * (`ui/src/worker/strings-format.ts`). Verification reads the strings and the bases over fq; the bases over fp are compiled with.
 */
export const REFERENCE_STRING_HASHES: Readonly<Record<string, string>> = {
  'srs-fp-65536': 'a4f0a85c54b3db6eb7e2913aa43bcebd3343718d481a5588fe750d1db5f6b1bb',
  'srs-fq-32768': 'd1d68c40d699761b379ba2941322e21399a3adc95b29581c3e1017b37f33d820',
  'lagrange-basis-fq-8192': '6b8461aa89f533563f2b254ad22fb61926731b4e95d9a4cfcdc92a843a78aec2',
  'lagrange-basis-fq-16384': '88c501be23c5816a256e7e3aa608283552ca75c8d1e109c5de63188da4394b36',
  'lagrange-basis-fq-32768': 'bab42bcf895c7ef442043548d6fc6424bc0293c811613cfc46384d9fac923c94',
  'lagrange-basis-fp-1024': '6f710240034a736f3bd692441917c9a361d2bb0d8a7179ca35046783faa95325',
  'lagrange-basis-fp-2048': '607265e8518bef9715c379f5c9ee9ce6b15fe26bc97ca8399caa93850a5c71cc',
  'lagrange-basis-fp-16384': 'e038f3832cd6121467889a28ebbb718fad600fe07d46942c2e2ab5053150c16d',
  'lagrange-basis-fp-32768': '9ce73076641180f3cf560164b5b747134678f625001c6247c6bf24d48755bb8b',
  'lagrange-basis-fp-65536': '7ac56691d914c18f3b3a09070dc0a2e96ad0426fe810e8fdc2735dadd2ac3d2f',
};

/**
 * A cache that gives no reference string and no basis over fq but the genuine one: whoever can write the cache's folder must not be
 * able to choose the points that proofs are verified with. What is refused counts as missing, so o1js computes it and writes it anew.
 * Bases over fp of a size without a known hash are passed on: no verification reads them.
 */
export const withGenuineStrings = (cache: Cache): Cache => ({
  ...cache,
  read(header) {
    const bytes = cache.read(header);
    const { kind, persistentId } = header;
    if (bytes === undefined || (kind !== 'srs' && kind !== 'lagrange-basis')) return bytes;
    const expected = REFERENCE_STRING_HASHES[persistentId];
    if (expected === undefined && persistentId.startsWith('lagrange-basis-fp-')) return bytes;
    return createHash('sha256').update(bytes).digest('hex') === expected ? bytes : undefined;
  },
});

const loaded: (Promise<boolean> | undefined)[] = [];

/** What verifying takes. @returns whether the strings were loaded ahead of the first verification */
export function loadReferenceStrings(cache: Cache, maxProofsVerified: 0 | 1): Promise<boolean> {
  const bases = { fp: [], fq: [WRAP_LOG_DOMAINS[maxProofsVerified]] };
  return (loaded[maxProofsVerified] ??= loadBases(cache, bases).catch(() => false));
}

/**
 * Both reference strings, and their Lagrange bases of these sizes: from the cache where its files are genuine, or else computed and
 * put there.
 *
 * @param logDomains of bases over the strings of step and wrap proofs
 */
export async function loadBases(
  cache: Cache,
  logDomains: Record<'fp' | 'fq', number[]>,
): Promise<boolean> {
  const { setSrsCache, unsetSrsCache, fp, fq } = await referenceStringModules();
  setSrsCache(withGenuineStrings(cache));
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

/** From now on, o1js takes from the cache what it would compute; until a program is compiled, which has a cache of its own. */
export async function keepReferenceStrings(cache: Cache): Promise<void> {
  const { setSrsCache } = await internalModule<CacheModule>('bindings/crypto/cache.js');
  setSrsCache(withGenuineStrings(cache));
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
